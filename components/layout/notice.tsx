'use client';

import { useSearchParams } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { Alert } from '@/components/ui/alert';

type LooseTranslator = { (key: string): string; has(key: string): boolean };

/** What an action that led here has done: `?notice=saved`, or `?notice=clients.added` for a sentence of that namespace. */
export function Notice() {
  const code = useSearchParams().get('notice') ?? '';
  // The code comes from the address, so its key cannot be checked while compiling; `has` does it while running.
  const t = useTranslations() as unknown as LooseTranslator;
  const [, namespace, name] = /^(?:([a-zA-Z]+)\.)?([a-z_]+)$/.exec(code) ?? [];
  const key = namespace ? `${namespace}.notices.${name}` : `notices.${name}`;
  if (!name || !t.has(key)) return null;
  return (
    <Alert tone="good" role="status" className="mb-5">
      {t(key)}
    </Alert>
  );
}
