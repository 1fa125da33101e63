import { useTranslations } from 'next-intl';
import { LinkButton } from '@/components/layout/link';

/** A link that takes a table along. */
export function Csv({ href, of }: { href: string; of: string }) {
  const t = useTranslations('reports.period');
  return (
    <LinkButton
      size="sm"
      href={href}
      download
      aria-label={t('csvOf', { table: of })}
      className="print:hidden"
    >
      {t('csv')}
    </LinkButton>
  );
}
