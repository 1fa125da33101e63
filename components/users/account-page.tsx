import { NextIntlClientProvider } from 'next-intl';
import { getMessages } from 'next-intl/server';
import type { ReactNode } from 'react';

/** One narrow page of the account: a heading, a sentence, a form. Gives its forms the sentences they say. */
export async function AccountPage({
  title,
  lead,
  footer,
  children,
}: {
  title: ReactNode;
  lead?: ReactNode;
  footer?: ReactNode;
  children: ReactNode;
}) {
  const { ui, layout, errors, notices, account: all } = await getMessages();
  // What stands in letters is no business of the page.
  const { letters: _, ...account } = all;
  return (
    <NextIntlClientProvider messages={{ ui, layout, errors, notices, account }}>
      <div className="mx-auto w-full max-w-[26rem] px-4 py-8 sm:py-14">
        <h1 className="text-2xl font-semibold tracking-tight">{title}</h1>
        {lead ? <p className="mt-2 text-muted">{lead}</p> : null}
        <div className="mt-6 grid gap-5">{children}</div>
        {footer ? (
          <div className="mt-6 border-t border-line pt-4 text-muted [&_a]:font-medium [&_a]:text-ink [&_a]:underline [&_a]:underline-offset-4">
            {footer}
          </div>
        ) : null}
      </div>
    </NextIntlClientProvider>
  );
}
