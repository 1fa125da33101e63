'use client';

import Link, { useLinkStatus } from 'next/link';
import { usePathname } from 'next/navigation';
import { type ComponentProps, createContext, type ReactNode, useContext } from 'react';
import { type ButtonSize, type ButtonVariant, buttonStyle } from './button-style';

type Ground = {
  /** What internal addresses begin with in this language: nothing, or `/ru`. */
  prefix: string;
  /** The first parts of addresses, without language, that belong to the document of the workspace. */
  workspaceAreas: readonly string[];
  /** Is it the document we are in? */
  isWorkspace: boolean;
};

const Standing = createContext<Ground>({ prefix: '', workspaceAreas: [], isWorkspace: false });

/** Says once, at the root, where links stand: in which language, and in which of the two documents. */
export function LinkGround({
  prefix,
  workspaceAreas,
  isWorkspace,
  children,
}: Ground & { children: ReactNode }) {
  return <Standing value={{ prefix, workspaceAreas, isWorkspace }}>{children}</Standing>;
}

/** Puts the language before an internal address (`/clients?q=a` → `/ru/clients?q=a`); leaves other addresses alone. */
export function useLocalHref(): (href: string) => string {
  const { prefix } = useContext(Standing);
  return (href) => {
    if (!prefix || !href.startsWith('/') || href.startsWith('//') || href.startsWith('/api/')) return href;
    const rest = href === '/' || href.startsWith('/?') || href.startsWith('/#') ? href.slice(1) : href;
    return `${prefix}${rest}`;
  };
}

/**
 * Does a link lead out of this document? Between public pages and the workspace every step is a full load, because a page that is
 * drawn into a document stays under that document's content security policy; and what `/api/` answers is no page.
 */
function useLeaves(href: string): boolean {
  const { workspaceAreas, isWorkspace } = useContext(Standing);
  const inWorkspace = (path: string) =>
    workspaceAreas.includes(/^(?:\/(?:en|ru)(?=\/|$))?\/?([^/?#]*)/.exec(path)?.[1] ?? '');
  const path = usePathname();
  if (!href.startsWith('/')) return false;
  if (href.startsWith('/api/')) return true;
  // The address may say otherwise than the document where a page is missing: then nothing is taken for granted.
  return inWorkspace(href) !== isWorkspace || inWorkspace(path) !== isWorkspace;
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

type AppLinkProps = Omit<ComponentProps<'a'>, 'href' | 'onClick' | 'onMouseEnter' | 'onTouchStart'> & {
  href: string;
  prefetch?: boolean;
};

/** A link to a page of ours; `href` carries no language. Nothing is fetched ahead unless `prefetch` says so. */
export function AppLink({ href, prefetch = false, children, ...rest }: AppLinkProps) {
  const local = useLocalHref();
  const leaves = useLeaves(href);
  if (leaves)
    return (
      <a href={local(href)} {...rest}>
        {children}
      </a>
    );
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
