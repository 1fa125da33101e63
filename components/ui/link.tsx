'use client';

import Link, { useLinkStatus } from 'next/link';
import { type ComponentProps, createContext, useContext } from 'react';
import { type ButtonSize, type ButtonVariant, buttonStyle } from './button-style';

const Prefix = createContext('');

/** Says once, at the root, what internal addresses begin with in this language: nothing, or `/ru`. */
export function LinkPrefix({ prefix, children }: { prefix: string; children: React.ReactNode }) {
  return <Prefix value={prefix}>{children}</Prefix>;
}

/** Puts the language before an internal address (`/clients?q=a` → `/ru/clients?q=a`); leaves other addresses alone. */
export function useLocalHref(): (href: string) => string {
  const prefix = useContext(Prefix);
  return (href) => {
    if (!prefix || !href.startsWith('/') || href.startsWith('//') || href.startsWith('/api/')) return href;
    const rest = href === '/' || href.startsWith('/?') || href.startsWith('/#') ? href.slice(1) : href;
    return `${prefix}${rest}`;
  };
}

/** A thin line at the top of the window while the next page is on its way, so that pages need no placeholder that jumps. */
function Travelling() {
  const { pending } = useLinkStatus();
  if (!pending) return null;
  return (
    <span
      aria-hidden
      className="pointer-events-none fixed inset-x-0 top-0 z-50 block h-0.5 overflow-hidden [animation:appear_.2s_.15s_both]"
    >
      <span className="block h-full w-2/5 bg-accent [animation:travel_1.1s_ease-in-out_infinite]" />
    </span>
  );
}

type AppLinkProps = Omit<ComponentProps<typeof Link>, 'href'> & { href: string };

/** A link to a page of ours; `href` carries no language. Nothing is fetched ahead unless `prefetch` says so. */
export function AppLink({ href, prefetch = false, children, ...rest }: AppLinkProps) {
  const local = useLocalHref();
  return (
    <Link href={local(href)} prefetch={prefetch} {...rest}>
      {children}
      <Travelling />
    </Link>
  );
}

/** A link that looks like a button. */
export function LinkButton({
  variant,
  size,
  className,
  ...rest
}: AppLinkProps & { variant?: ButtonVariant | undefined; size?: ButtonSize | undefined }) {
  return <AppLink {...rest} className={buttonStyle({ variant, size, className })} />;
}
