import { Distance } from './distance';

const languages: Record<string, string> = { en: 'en-GB' };

/** An instant on the reader's wall clock, always with its zone; with `relative` also how far it is from now. */
export function Time({
  value,
  zone,
  locale,
  relative = false,
  className,
}: {
  value: Date | string;
  /** IANA zone the time is shown in. */
  zone: string;
  locale: string;
  relative?: boolean | undefined;
  className?: string | undefined;
}) {
  const at = typeof value === 'string' ? new Date(value) : value;
  const text = new Intl.DateTimeFormat(languages[locale] ?? locale, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: zone,
    timeZoneName: 'shortOffset',
  }).format(at);
  return (
    <time dateTime={at.toISOString()} title={zone} suppressHydrationWarning className={className}>
      <span className="whitespace-nowrap">{text}</span>
      {relative ? (
        <span className="text-muted">
          {' · '}
          <Distance atMs={at.getTime()} locale={locale} />
        </span>
      ) : null}
    </time>
  );
}
