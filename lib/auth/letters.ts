import { createTranslator } from 'next-intl';
import { appUrl, env } from '@/lib/env';
import { formatInstant } from '@/lib/format';
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

/** A person as letters name one. */
type Named = { name: string; email: string };

/**
 * What befell an account or a mailing of it by those above it, and what its owner is to know of that: when, by whom (null: the command
 * line), for what reason, and what it stopped.
 */
export type HoldNews = {
  to: { email: string; name: string; locale: Locale; timeZone: string };
  by: Named | null;
  at: Date;
  reason: string;
  what:
    | { kind: 'blocked'; stops: Stopped }
    | { kind: 'unblocked' }
    | { kind: 'disabled'; mailing: { id: number; name: string }; stops: Stopped }
    | { kind: 'enabled'; mailing: { id: number; name: string } };
};
type Stopped = { mailings: number; runs: number; heldRuns: number; unsent: number; inFlight: number };

type LetterText = { subject: string; html: string; text: string };
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/**
 * One letter of the system in a language, with one link in it. `path` is without locale. The name is the reader's own word for
 * themselves; it stands in the text as text.
 */
export function accountLetter(
  kind: AccountLetterKind,
  { name, locale, path }: { name: string; locale: Locale; path: string },
): LetterText {
  const t = createTranslator({ locale, messages: catalogues[locale], namespace: 'account.letters' });
  return layOut(locale, {
    subject: t(`${kind}.subject`),
    before: [t('hello', { name }), t(`${kind}.body`)],
    button: { words: t(`${kind}.button`), path },
    after: [t(`${kind}.after`)],
  });
}

/** The letter that tells an owner of a block, a disable, or their end; times on the owner's clock. */
export function holdLetter({ to, by, at, reason, what }: HoldNews): LetterText {
  const { locale, timeZone, name } = to;
  const t = createTranslator({ locale, messages: catalogues[locale], namespace: 'account.letters' });
  const about = {
    known: by ? 'yes' : 'no',
    name: by?.name ?? '',
    at: formatInstant(locale, at, timeZone),
    mailing: 'mailing' in what ? what.mailing.name : '',
  };
  const before = [t('hello', { name }), t(`${what.kind}.body`, about)];
  if ('stops' in what)
    before.push(t('hold.reason', { reason }), stoppedText(locale, what.stops, what.kind === 'disabled'));
  else before.push(t('hold.was', { reason }), t('hold.goesOn'));
  return layOut(locale, {
    subject: t(`${what.kind}.subject`, about),
    before,
    button:
      what.kind === 'blocked'
        ? null
        : {
            words: t(`${what.kind}.button`),
            path: 'mailing' in what ? `/mailings/${what.mailing.id}` : '/login',
          },
    after: [t('hold.answer', about)],
  });
}

/** What a hold stopped, in numbers. */
function stoppedText(locale: Locale, stops: Stopped, ofMailing: boolean): string {
  const words = { locale, messages: catalogues[locale] };
  const t = createTranslator({ ...words, namespace: 'account.letters.hold' });
  const counts = createTranslator({ ...words, namespace: 'manage.stops' });
  if (stops.mailings + stops.runs === 0) return t('stoppedNothing');
  const series = ofMailing
    ? stops.mailings > 0
      ? [counts('series')]
      : []
    : [counts('mailings', { count: stops.mailings })];
  const inFlight = counts('inFlight', { count: stops.inFlight });
  const what = [
    ...series,
    counts('runs', { count: stops.runs, held: stops.heldRuns }),
    counts('unsent', { count: stops.unsent }),
    stops.inFlight > 0 ? `${inFlight} ${counts('inFlightMeans')}` : inFlight,
  ];
  return t('stopped', { what: what.join('; ') });
}

/** A letter of the system in both forms: paragraphs, one button if there is where to go, and more paragraphs. */
function layOut(
  locale: Locale,
  {
    subject,
    before,
    button,
    after,
  }: {
    subject: string;
    before: string[];
    button: { words: string; path: string } | null;
    after: string[];
  },
): LetterText {
  const t = createTranslator({ locale, messages: catalogues[locale], namespace: 'account.letters' });
  const last = [...after, t('signature')];
  const link = button ? appUrl() + localizedPath(locale, button.path, env().DEFAULT_LOCALE) : '';
  const html = [
    `<!doctype html><html lang="${locale}"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"></head>`,
    '<body style="margin:0;padding:24px;font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:1.5">',
    '<div style="max-width:34em;margin:0 auto">',
    ...before.map((text) => `<p>${escapeHtml(text)}</p>`),
    ...(button
      ? [
          `<p style="margin:24px 0"><a href="${escapeHtml(link)}" style="display:inline-block;padding:12px 20px;border-radius:6px;background:#b93a20;color:#ffffff;text-decoration:none;font-weight:bold">${escapeHtml(button.words)}</a></p>`,
          `<p style="font-size:14px;word-break:break-word">${escapeHtml(t('orCopy'))}<br><a href="${escapeHtml(link)}">${escapeHtml(link)}</a></p>`,
        ]
      : []),
    ...last.map((text) => `<p>${escapeHtml(text)}</p>`),
    '</div></body></html>',
  ].join('\n');
  const text = [...before, ...(button ? [`${button.words}:\n${link}`] : []), ...last].join('\n\n');
  return { subject, html, text: `${text}\n` };
}
