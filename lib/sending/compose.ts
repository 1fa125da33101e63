import { createHash, randomUUID } from 'node:crypto';
import { convert } from 'html-to-text';
import { parseAddress } from '@/lib/email/address';
import { compileJson } from '@/lib/email/json';
import type { BodiesAsJson, Letter, Mailbox } from '@/lib/email/letter';
import {
  beginBody,
  type CompiledPart,
  compilePart,
  dateHeader,
  endBody,
  mailboxHeader,
  nextPart,
  oneLine,
  structuredHeader,
  textHeader,
} from '@/lib/email/mime';
import type { Octets } from '@/lib/email/octets';
import { env } from '@/lib/env';
import { catalogues } from '@/lib/i18n/catalogues';
import { type Locale, localizedPath } from '@/lib/i18n/paths';
import {
  type Compiled,
  compilePieces,
  escapeHtml,
  findProblem,
  joinPieces,
  type Piece,
  type Place,
  type Recipient,
  type TemplateProblem,
  tokensOf,
} from './compose/liquid';
import { decodeLiquid, sanitizeBody } from './compose/sanitize';
import { testToken, unsubscribeProof } from './compose/token';

export type { TemplateProblem } from './compose/liquid';
export { sanitizeBody } from './compose/sanitize';
export { readUnsubscribeToken, unsubscribeToken } from './compose/token';

/** A run's letter as it was frozen when the run opened. */
export type FrozenRun = {
  id: number;
  ownerId: number;
  mailingId: number;
  subject: string;
  body: string;
  fromName: string;
  fromEmail: string;
  replyTo: string;
  /** Without a trailing slash. */
  linkBase: string;
  locale: Locale;
  openedAt: Date;
};

/** A letter whose template is worked out: what is left is the recipient. */
export type CompiledLetter = {
  /** The letter of a delivery. The same delivery gives the same bytes, whenever and wherever it is composed. */
  compose(delivery: { id: number; email: string; fullName: string }): Letter;
  /** The same letter for its writer to look at: no delivery, no List-Unsubscribe, a link that unsubscribes nobody. */
  composeTest(recipient: Recipient): Letter;
};

/**
 * Why a subject or body can not be a template: line (from 1), reason in English, and `problem` with `detail` to say it in the
 * reader's language. Null when it can be used.
 */
export function checkTemplate(source: string): TemplateProblem | null {
  return findProblem(decodeLiquid(source));
}

/**
 * Works a run's template out, once. Values are escaped by where they stand (text, attribute, URL, subject) and never expanded
 * again. The text part is made from the HTML. A body without an unsubscribe link gets one at its end.
 */
export function compileLetter(run: FrozenRun): CompiledLetter {
  const domain = run.fromEmail.slice(run.fromEmail.lastIndexOf('@') + 1);
  const { html, text } = compileBody(run);
  const subject = compileSubject(run.subject);
  const pageBase = `${run.linkBase}${localizedPath(run.locale, '/unsubscribe/', env().DEFAULT_LOCALE)}`;
  const from = { name: oneLine(run.fromName), address: run.fromEmail };
  const replyTo = parseAddress(run.replyTo);

  const fromHeader = mailboxHeader('From', from);
  const replyHeader = replyTo ? mailboxHeader('Reply-To', { name: '', address: replyTo }) : '';
  const fixedSubject = subject.isConstant ? textHeader('Subject', joinPieces(subject.fixed, [])) : null;
  const dateLine = dateHeader(run.openedAt);
  const htmlPart = compilePart('text/html', html.fixed);
  const textPart = compilePart('text/plain', text.fixed);
  const htmlJson = compileJson(html.fixed);
  const textJson = compileJson(text.fixed);
  const fixedMark = createHash('sha256')
    .update(JSON.stringify([html.fixed, text.fixed]))
    .digest('hex');
  const listId = `<m${run.mailingId}.${domain}>`;
  const listHeaders =
    structuredHeader('List-Unsubscribe-Post', 'List-Unsubscribe=One-Click') +
    structuredHeader('List-Id', listId);

  const prepared: Prepared = {
    run,
    domain,
    from,
    replyTo,
    pageBase,
    listId,
    subject,
    html,
    text,
    fromHeader,
    replyHeader,
    fixedSubject,
    dateLine,
    listHeaders,
    htmlPart,
    textPart,
    htmlJson,
    textJson,
    fixedMark,
  };

  return {
    compose: (delivery) => new PreparedLetter(prepared, delivery),
    composeTest(recipient) {
      const url = pageBase + testToken;
      return {
        deliveryId: null,
        ownerId: run.ownerId,
        from,
        to: { name: recipient.fullName, address: wireAddress(recipient.email) },
        replyTo,
        subject: oneLine(joinPieces(subject.fixed, subject.values(recipient, url))),
        html: joinPieces(html.fixed, html.values(recipient, url)),
        text: joinPieces(text.fixed, text.values(recipient, url)),
        headers: [],
        messageId: `t${randomUUID()}@${domain}`,
        date: run.openedAt,
        isTest: true,
      };
    },
  };
}

/** What all letters of a run share. */
type Prepared = {
  run: FrozenRun;
  domain: string;
  from: Mailbox;
  replyTo: string | null;
  pageBase: string;
  listId: string;
  subject: Compiled;
  html: Compiled;
  text: Compiled;
  fromHeader: string;
  replyHeader: string;
  /** Null = the subject differs from letter to letter. */
  fixedSubject: string | null;
  dateLine: string;
  listHeaders: string;
  htmlPart: CompiledPart;
  textPart: CompiledPart;
  htmlJson: ReturnType<typeof compileJson>;
  textJson: ReturnType<typeof compileJson>;
  /** Digest of the fixed pieces of both bodies. */
  fixedMark: string;
};

/** The letter of a delivery. Each transport takes its bodies in one form only, so that a form is made when it is asked for. */
class PreparedLetter implements Letter {
  readonly deliveryId: number;
  readonly ownerId: number;
  readonly from: Mailbox;
  readonly to: Mailbox;
  readonly replyTo: string | null;
  readonly subject: string;
  readonly messageId: string;
  readonly tag: string;
  readonly date: Date;
  private readonly htmlValues: string[];
  private readonly textValues: string[];

  constructor(
    private readonly prepared: Prepared,
    delivery: { id: number; email: string; fullName: string },
  ) {
    const { run, subject, pageBase } = prepared;
    const { token, mark } = unsubscribeProof(delivery.id);
    const url = pageBase + token;
    this.deliveryId = delivery.id;
    this.ownerId = run.ownerId;
    this.from = prepared.from;
    this.to = { name: delivery.fullName, address: wireAddress(delivery.email) };
    this.replyTo = prepared.replyTo;
    this.subject = oneLine(joinPieces(subject.fixed, subject.values(delivery, url)));
    this.messageId = `d${delivery.id}.${mark}@${prepared.domain}`;
    this.tag = token;
    this.date = run.openedAt;
    this.htmlValues = prepared.html.values(delivery, url);
    this.textValues = prepared.text.values(delivery, url);
  }

  get html(): string {
    return joinPieces(this.prepared.html.fixed, this.htmlValues);
  }

  get text(): string {
    return joinPieces(this.prepared.text.fixed, this.textValues);
  }

  get headers(): [name: string, value: string][] {
    return [
      ['List-Unsubscribe', this.oneClick],
      ['List-Unsubscribe-Post', 'List-Unsubscribe=One-Click'],
      ['List-Id', this.prepared.listId],
    ];
  }

  private get oneClick(): string {
    return `<${this.prepared.run.linkBase}/api/unsubscribe/${this.tag}>`;
  }

  writeMime(out: Octets): void {
    const { prepared } = this;
    const { fromHeader, replyHeader, fixedSubject, dateLine, listHeaders } = prepared;
    out.text(
      `${fromHeader}${mailboxHeader('To', this.to)}${replyHeader}${fixedSubject ?? textHeader('Subject', this.subject)}` +
        `Message-ID: <${this.messageId}>\r\n${dateLine}List-Unsubscribe: ${this.oneClick}\r\n${listHeaders}`,
    );
    beginBody(out);
    prepared.textPart(out, this.textValues);
    nextPart(out);
    prepared.htmlPart(out, this.htmlValues);
    endBody(out);
  }

  get json(): BodiesAsJson {
    const { prepared, htmlValues, textValues } = this;
    return {
      write(out) {
        out.text('"html":');
        prepared.htmlJson(out, htmlValues);
        out.text(',"text":');
        prepared.textJson(out, textValues);
      },
      mark: () => prepared.fixedMark + JSON.stringify([htmlValues, textValues]),
    };
  }
}

/** How a message looks to one client, for the preview. Throws for a template that {@link checkTemplate} refuses. */
export function renderPreview(
  message: { subject: string; body: string },
  client: Recipient,
  locale: Locale = 'en',
): { subject: string; html: string; text: string } {
  const { html, text } = compileBody({ body: message.body, fromName: '', locale });
  const subject = compileSubject(message.subject);
  const url = '#';
  return {
    subject: oneLine(joinPieces(subject.fixed, subject.values(client, url))),
    html: joinPieces(html.fixed, html.values(client, url)),
    text: joinPieces(text.fixed, text.values(client, url)),
  };
}

/** Domains go to the wire as A-labels. */
function wireAddress(email: string): string {
  return /^[\x21-\x7e]+$/.test(email) ? email : (parseAddress(email) ?? email);
}

function compileSubject(source: string): Compiled {
  return compilePieces(
    tokensOf(decodeLiquid(source)).map((token) => ({
      source: token.source,
      place: token.isOutput ? 'subject' : null,
    })),
  );
}

/** Both parts of a body. */
function compileBody(run: Pick<FrozenRun, 'body' | 'fromName' | 'locale'>): {
  html: Compiled;
  text: Compiled;
} {
  const source = decodeLiquid(sanitizeBody(run.body));
  const pieces = placeOutputs(source);
  const words = catalogues[run.locale].letters;
  const reason = words.footer.replace('{name}', () => oneLine(run.fromName));
  const html = compilePieces(pieces);
  const text = compilePieces(textPieces(pieces));
  const hasLink = /\bunsubscribe_url\b/.test(
    pieces
      .filter((piece) => piece.place !== null)
      .map((piece) => piece.source)
      .join(),
  );
  const [head, tail] = shell(run.locale);
  return {
    html: framed(
      html,
      head,
      hasLink
        ? [tail]
        : [
            `\n<hr style="border:0;border-top:1px solid #d8d4cc;margin:32px 0 12px">\n` +
              `<p style="color:#6b665e;font-size:13px;line-height:1.5">${escapeHtml(reason)} <a style="color:#6b665e" href="`,
            `">${escapeHtml(words.unsubscribe)}</a></p>${tail}`,
          ],
      escapeHtml,
    ),
    text: framed(
      text,
      '',
      hasLink ? ['\n'] : [`\n\n-- \n${reason}\n${words.unsubscribe}: `, '\n'],
      (value) => value,
    ),
  };
}

/** Puts a head before a template and a tail behind it; two pieces of tail have the unsubscribe link between them. */
function framed(inner: Compiled, head: string, tail: string[], write: (url: string) => string): Compiled {
  const fixed = [...inner.fixed];
  fixed[0] = head + (fixed[0] ?? '');
  fixed[fixed.length - 1] += tail[0] ?? '';
  if (tail[1] === undefined) return { ...inner, fixed };
  fixed.push(tail[1]);
  return {
    fixed,
    isConstant: false,
    values(recipient, url) {
      const values = inner.values(recipient, url);
      values.push(write(url));
      return values;
    },
  };
}

/**
 * Wide pictures shrink on phones; programs that skip this go by the picture's own width. The policy of the pages that show letters names
 * its hash.
 */
export const letterStyle = 'img{max-width:100%;height:auto}';

/** The document around a body. Mail programs differ least when little is said. */
function shell(locale: Locale): [head: string, tail: string] {
  return [
    `<!DOCTYPE html>\n<html lang="${locale}">\n<head>\n<meta charset="utf-8">\n` +
      '<meta name="viewport" content="width=device-width, initial-scale=1">\n' +
      `<style>${letterStyle}</style>\n</head>\n` +
      '<body style="margin:0;padding:24px;font-family:-apple-system,\'Segoe UI\',Roboto,Helvetica,Arial,sans-serif;font-size:16px;line-height:1.55">\n' +
      '<div style="max-width:640px;margin:0 auto">\n',
    '\n</div>\n</body>\n</html>\n',
  ];
}

/** Tells for each output of a sanitised body where it stands. */
function placeOutputs(source: string): Piece[] {
  const tokens = tokensOf(source);
  /** The name of the attribute whose value we are in; null outside of values. */
  let attribute: string | null = null;
  let inTag = false;
  let recent = '';
  return tokens.map((token, index) => {
    if (!token.isLiquid) {
      for (const character of token.source) {
        if (attribute !== null) {
          if (character === '"') attribute = null;
        } else if (inTag) {
          if (character === '>') inTag = false;
          else if (character === '"') attribute = /([\w-]+)\s*=\s*$/.exec(recent)?.[1]?.toLowerCase() ?? '';
        } else if (character === '<') inTag = true;
        recent = (recent + character).slice(-40);
      }
      return { source: token.source, place: null };
    }
    if (!token.isOutput) return { source: token.source, place: null };
    let place: Place = 'html';
    if (attribute === 'href' || attribute === 'src') {
      const isWhole =
        tokens[index - 1]?.source.endsWith('"') === true &&
        tokens[index + 1]?.source.startsWith('"') === true;
      place = isWhole && /^\{\{-?\s*unsubscribe_url\s*-?\}\}$/.test(token.source) ? 'address' : 'url';
    }
    return { source: token.source, place };
  });
}

const mark = (index: number) => `\ue000${index}\ue001`;

/** The text part's template: the HTML as text, with the Liquid kept where it was. */
function textPieces(pieces: Piece[]): Piece[] {
  const html = pieces
    .map((piece, index) =>
      piece.source.startsWith('{{') || piece.source.startsWith('{%') ? mark(index) : piece.source,
    )
    .join('');
  const text = convert(html, {
    wordwrap: false,
    preserveNewlines: false,
    selectors: [
      ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({
        selector,
        options: { uppercase: false },
      })),
      {
        selector: 'a',
        options: { linkBrackets: ['<', '>'], hideLinkHrefIfSameAsText: true, noAnchorUrl: true },
      },
      { selector: 'img', options: { linkBrackets: ['<', '>'] } },
      { selector: 'hr', options: { length: 40 } },
    ],
  });
  return text.split(/(\ue000\d+\ue001)/).map((part, at) => {
    const piece = at % 2 === 1 ? pieces[Number(part.slice(1, -1))] : undefined;
    // Text that only looks like Liquid stays text.
    if (!piece) return { source: part.replace(/\{(?=[{%]|$)/g, '{{ "{" }}'), place: null };
    if (piece.place === null) return piece;
    return { source: piece.source, place: piece.place === 'url' ? 'url' : 'plain' };
  });
}
