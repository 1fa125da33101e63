'use client';

import { useRouter } from 'next/navigation';
import { type FormEvent, type ReactNode, useTransition } from 'react';
import { Button } from './button';
import { Fold } from './fold';

/** Puts what a GET form asks for into the address without loading the document anew; what is empty is left out. */
export function useQueryForm() {
  const router = useRouter();
  const [pending, startTransition] = useTransition();
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const query = new URLSearchParams();
    for (const [key, value] of new FormData(event.currentTarget)) {
      if (typeof value === 'string' && value.trim()) query.append(key, value.trim());
    }
    const { pathname } = window.location;
    startTransition(() => router.push(query.size > 0 ? `${pathname}?${query}` : pathname));
  };
  return { pending, onSubmit };
}

/**
 * Choices that are kept in the address: a plain GET form without JavaScript, and with it the page stays. With `fold` a phone shows them,
 * and the button with them, when they are asked for.
 */
export function QueryForm({
  label,
  submit,
  hidden = {},
  fold,
  children,
}: {
  /** Names the form for those who hear it. */
  label: string;
  submit: string;
  hidden?: Record<string, string | undefined>;
  fold?: { label: string; isOpen: boolean };
  children: ReactNode;
}) {
  const { pending, onSubmit } = useQueryForm();
  const choices = (
    <>
      {children}
      <div>
        <Button type="submit" pending={pending}>
          {submit}
        </Button>
      </div>
    </>
  );
  return (
    <search aria-label={label}>
      <form method="get" onSubmit={onSubmit} className="grid grid-cols-[minmax(0,1fr)] gap-3">
        {Object.entries(hidden).map(([key, value]) =>
          value ? <input key={key} type="hidden" name={key} value={value} /> : null,
        )}
        {fold ? <Fold {...fold}>{choices}</Fold> : choices}
      </form>
    </search>
  );
}
