import { useTranslations } from 'next-intl';
import { AppLink } from './link';
import { Postmark } from './postmark';

/** Sign and name, leading to `href`. */
export function Logo({ href }: { href: string }) {
  const t = useTranslations('layout');
  return (
    <AppLink
      href={href}
      className="inline-flex items-center gap-2 rounded-sm"
      aria-label={href === '/' ? t('home') : undefined}
    >
      <Postmark className="size-7 text-accent" />
      <span className="text-[1.0625rem] font-semibold tracking-tight">Mailroom</span>
    </AppLink>
  );
}
