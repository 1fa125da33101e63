import { ArrowRight, ChevronsLeft } from 'lucide-react';
import { useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import { classNames } from './class-names';
import { LinkButton } from './link';

/** Walks a list page by page. The addresses carry everything, so that a page can be kept and sent. `note` is for counts. */
export function Pager({
  nextHref,
  firstHref,
  label,
  note,
  className,
}: {
  nextHref?: string | null | undefined;
  /** Given on every page but the first. */
  firstHref?: string | null | undefined;
  /** Names the navigation for those who hear it. */
  label?: string | undefined;
  note?: ReactNode;
  className?: string | undefined;
}) {
  const t = useTranslations('ui');
  if (!nextHref && !firstHref && !note) return null;
  return (
    <nav
      aria-label={label ?? t('pages')}
      className={classNames('flex flex-wrap items-center gap-2', className)}
    >
      {note ? <p className="mr-auto text-[0.8125rem] text-muted">{note}</p> : null}
      {firstHref ? (
        <LinkButton size="sm" href={firstHref} className={note ? undefined : 'mr-auto'}>
          <ChevronsLeft aria-hidden />
          {t('firstPage')}
        </LinkButton>
      ) : null}
      {nextHref ? (
        <LinkButton size="sm" href={nextHref} className={note || firstHref ? undefined : 'ml-auto'}>
          {t('nextPage')}
          <ArrowRight aria-hidden />
        </LinkButton>
      ) : null}
    </nav>
  );
}
