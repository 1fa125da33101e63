import { createTranslator } from 'next-intl';
import { appUrl, env } from '@/lib/env';
import { catalogues } from '@/lib/i18n/catalogues';
import { type Locale, localizedPath } from '@/lib/i18n/paths';

/**
 * Letters of the accounts. `known` answers a registration of an address that has an account already. Of a change of address,
 * `move` goes to the new one, `moveTaken` instead of it where that has an account, `moveAsked` and `moved` to the old one.
 */
export type AccountLetterKind =
  | 'confirm'
  | 'choose'
  | 'known'
  | 'reset'
  | 'changed'
  | 'move'
  | 'moveTaken'
  | 'moveAsked'
  | 'moved'
  | 'deleted';

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/**
 * One letter of the system in a language, with one link in it. `path` is without locale. The name is the reader's own word for
 * themselves; it stands in the text as text.
 */
export function accountLetter(
  kind: AccountLetterKind,
  { name, locale, path }: { name: string; locale: Locale; path: string },
): { subject: string; html: string; text: string } {
  const t = createTranslator({ locale, messages: catalogues[locale], namespace: 'account.letters' });
  const link = appUrl() + localizedPath(locale, path, env().DEFAULT_LOCALE);
  const paragraphs = [t('hello', { name }), t(`${kind}.body`)];
  const after = [t(`${kind}.after`), t('signature')];
  const html = [
    `<!doctype html><html lang="${locale}"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"></head>`,
    '<body style="margin:0;padding:24px;font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:1.5">',
    '<div style="max-width:34em;margin:0 auto">',
    ...paragraphs.map((text) => `<p>${escapeHtml(text)}</p>`),
    `<p style="margin:24px 0"><a href="${escapeHtml(link)}" style="display:inline-block;padding:12px 20px;border-radius:6px;background:#b93a20;color:#ffffff;text-decoration:none;font-weight:bold">${escapeHtml(t(`${kind}.button`))}</a></p>`,
    `<p style="font-size:14px">${escapeHtml(t('orCopy'))}<br><a href="${escapeHtml(link)}">${escapeHtml(link)}</a></p>`,
    ...after.map((text) => `<p>${escapeHtml(text)}</p>`),
    '</div></body></html>',
  ].join('\n');
  const text = [...paragraphs, `${t(`${kind}.button`)}:\n${link}`, ...after].join('\n\n');
  return { subject: t(`${kind}.subject`), html, text: `${text}\n` };
}
