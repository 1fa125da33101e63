import { useTranslations } from 'next-intl';
import { Postmark } from '@/components/layout/postmark';
import { Badge } from '@/components/ui/badge';

const lines = [
  { at: '09:00:01', to: 'anna@atelier.example', answer: '250 2.0.0 OK', good: true },
  { at: '09:00:01', to: 'pavel@kniga.example', answer: '250 2.0.0 OK', good: true },
  { at: '09:00:02', to: 'mila@garden.example', answer: '451 4.7.1 try later', good: false },
  { at: '09:01:04', to: 'mila@garden.example', answer: '250 2.0.0 OK', good: true },
];

/** What a run looks like afterwards: a picture in words, for the home page. */
export function SampleRun() {
  const t = useTranslations('home.sample');
  return (
    <figure className="relative rounded-lg border border-line bg-surface shadow-lift">
      <Postmark className="pointer-events-none absolute -top-7 right-5 size-24 rotate-12 text-accent opacity-90" />
      <figcaption className="border-b border-dashed border-edge/60 px-5 pt-5 pr-32 pb-3.5">
        <p className="text-[0.8125rem] text-muted">{t('caption')}</p>
        <p className="text-lg font-semibold tracking-tight">{t('name')}</p>
        <p className="text-[0.8125rem] text-muted">{t('when')}</p>
      </figcaption>
      <ol className="divide-y divide-line px-5 text-[0.8125rem]">
        {lines.map((line) => (
          <li key={`${line.at}${line.to}`} className="flex flex-wrap items-center gap-x-3 gap-y-0.5 py-2">
            <span className="text-muted">{line.at}</span>
            <span className="min-w-0 flex-1 truncate">{line.to}</span>
            <span className="font-mono text-xs text-muted max-sm:hidden">{line.answer}</span>
            <Badge tone={line.good ? 'good' : 'warn'}>{line.good ? t('accepted') : t('later')}</Badge>
          </li>
        ))}
      </ol>
      <p className="rounded-b-lg border-t border-dashed border-edge/60 bg-sunken px-5 py-2.5 text-[0.8125rem] text-muted">
        {t('sum')}
      </p>
    </figure>
  );
}
