import { Context, Liquid, type Template, Tokenizer, TokenKind } from 'liquidjs';

/*
 * The Liquid that letters may use: three variables, conditions, and filters that give the same text every time. No loops, no
 * files, no dates, nothing random: a letter composed again has the same bytes, and no template can run away.
 */

/** Whom a letter speaks to. */
export type Recipient = { email: string; fullName: string };

/** What templates can name. */
export const templateVariables = ['client.full_name', 'client.email', 'unsubscribe_url'] as const;

const tags = new Set(['assign', 'case', 'comment', 'if', 'unless', '#']);
const filters = new Set(
  `abs append at_least at_most capitalize ceil default divided_by downcase escape escape_once first floor join last lstrip minus
  modulo plus prepend remove remove_first remove_last replace replace_first replace_last round rstrip size slice split squish
  strip strip_html strip_newlines times truncate truncatewords upcase url_encode xml_escape`.split(/\s+/),
);

/** Where a value stands, which says how it is written there. */
export type Place = 'html' | 'url' | 'address' | 'plain' | 'subject';
const filterOf: Record<Place, string> = {
  html: '__html',
  url: '__url',
  address: '__html',
  plain: '__plain',
  subject: '__subject',
};

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text and attributes alike: a value stays one wherever a branch of the template puts it. */
export function escapeHtml(text: string): string {
  return /[&<>"']/.test(text) ? text.replace(/[&<>"']/g, (character) => entities[character] ?? '') : text;
}

/** Percent-encodes everything that could mean something in a URL or end the attribute. */
function escapeUrl(text: string): string {
  return encodeURIComponent(text.replace(/\p{Cs}/gu, '\ufffd')).replace(
    /['()!*]/g,
    (character) => `%${character.charCodeAt(0).toString(16)}`,
  );
}

const writers: Record<Place, (text: string) => string> = {
  html: escapeHtml,
  url: escapeUrl,
  address: escapeHtml,
  plain: (text) => text,
  subject: (text) => text.replace(/[\r\n]+/g, ' '),
};

function makeLiquid(memoryLimit: number, own: boolean): Liquid {
  const liquid = new Liquid({
    strictFilters: true,
    ownPropertyOnly: true,
    templates: {},
    parseLimit: 1_000_000,
    memoryLimit,
  });
  for (const name of Object.keys(liquid.tags)) if (!tags.has(name)) delete liquid.tags[name];
  for (const name of Object.keys(liquid.filters)) if (!filters.has(name)) liquid.unregisterFilter(name);
  // Values are escaped by where they stand; asking for it as well must not do it twice.
  for (const name of ['escape', 'escape_once', 'xml_escape'])
    liquid.registerFilter(name, (value: unknown) => value);
  if (own) {
    for (const place of Object.keys(filterOf) as Place[]) {
      liquid.registerFilter(filterOf[place], (value: unknown) => writers[place](textOf(value)));
    }
  }
  return liquid;
}

/** A value as Liquid shows it. */
function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(textOf).join('');
  return typeof value === 'object' ? '' : String(value);
}

/** What a writer's template is checked with; the one that composes has ten times the room, so that what passed here can not fail there. */
const checking = makeLiquid(1_000_000, false);
const composing = makeLiquid(10_000_000, true);

function scopeOf(recipient: Recipient, unsubscribeUrl: string) {
  return {
    client: { full_name: recipient.fullName, email: recipient.email },
    unsubscribe_url: unsubscribeUrl,
  };
}

/** What is wrong with a template: the line, counted from 1, a word for the catalogue, and the reason in plain English. */
export type TemplateProblem = {
  line: number;
  problem:
    | 'unknown_variable'
    | 'unknown_tag'
    | 'unknown_filter'
    | 'not_closed'
    | 'reserved_name'
    | 'too_large'
    | 'not_understood';
  /** The name it is about; empty when there is none. */
  detail: string;
  reason: string;
};

/** Signs of Liquid in one template, all its braces together. Analysing takes the square of them: 0.4 s for so many. */
const liquidMax = 20_000;

const extremes: Recipient[] = [
  { email: 'a@b.cd', fullName: '' },
  { email: `${'m'.repeat(64)}@${'m'.repeat(185)}.com`, fullName: 'W'.repeat(200) },
];

/** Line and reason why a template (with its entities decoded, see `decodeLiquid`) can not be used; null when it can. */
export function findProblem(source: string): TemplateProblem | null {
  try {
    const written = tokensOf(source).reduce(
      (sum, token) => sum + (token.isLiquid ? token.source.length : 0),
      0,
    );
    if (written > liquidMax)
      return { line: 1, problem: 'too_large', detail: '', reason: `more than ${liquidMax} signs of Liquid` };
    const templates = checking.parse(source);
    const { globals, locals } = checking.analyzeSync(templates, { partials: false });
    for (const used of Object.values(globals).flat()) {
      const name = used.toString();
      if ((templateVariables as readonly string[]).includes(used.toArray().join('.'))) continue;
      return {
        line: lineAt(source, used.location.row, used.location.col),
        problem: 'unknown_variable',
        detail: name,
        reason: `there is no variable "${name}"; there are ${templateVariables.join(', ')}`,
      };
    }
    for (const name of ['client', 'unsubscribe_url']) {
      const [taken] = locals[name] ?? [];
      if (!taken) continue;
      const line = lineAt(source, taken.location.row, taken.location.col);
      return { line, problem: 'reserved_name', detail: name, reason: `"${name}" can not be assigned` };
    }
    for (const recipient of extremes)
      checking.renderSync(templates, scopeOf(recipient, `https://${'m'.repeat(200)}`));
    return null;
  } catch (error) {
    return problemOf(error, source);
  }
}

type LiquidFailure = Error & { token?: { getPosition(): [number, number] } };

function problemOf(error: unknown, source: string): TemplateProblem {
  const { message, token } = error as LiquidFailure;
  const [row, column] = token?.getPosition() ?? [1, 1];
  const line = lineAt(source, row, column);
  const reason = message.replace(/, (file:[^,]*, )?line:\d+, col:\d+$/, '').replaceAll('__', '');
  const quoted = /"(.*)"/s.exec(reason)?.[1] ?? '';
  if (/^tag ".*" not found/s.test(reason)) return { line, problem: 'unknown_tag', detail: quoted, reason };
  const filter = /^undefined filter: (.*)$/s.exec(reason);
  if (filter) return { line, problem: 'unknown_filter', detail: filter[1] ?? '', reason };
  if (/not closed/.test(reason)) {
    const detail = /^\w+ (.*) not closed/s.exec(reason)?.[1]?.replace(/^"(.*)"$/s, '$1') ?? '';
    return { line, problem: 'not_closed', detail, reason };
  }
  if (/limit exceeded|memory alloc/i.test(reason))
    return { line: 1, problem: 'too_large', detail: '', reason };
  return { line, problem: 'not_understood', detail: '', reason };
}

const blockEnd = /<\/(?:p|h[1-6]|li|tr|blockquote|pre|div)>|<br\s*\/?>|<hr\s*\/?>/g;

/** The line as its writer sees it. The editor's HTML has no line breaks: there, paragraphs are lines. */
function lineAt(source: string, row: number, column: number): number {
  if (row > 1 || source.includes('\n')) return row;
  return 1 + (source.slice(0, column).match(blockEnd)?.length ?? 0);
}

/** A template in pieces: fixed text, and between each two what has to be worked out for each letter. */
export type Compiled = {
  fixed: string[];
  values(recipient: Recipient, unsubscribeUrl: string): string[];
  /** Nothing in it depends on the letter. */
  isConstant: boolean;
};

const simple =
  /^\{\{-?\s*(client\.full_name|client\.email|unsubscribe_url)\s*(?:\|\s*default:\s*(?:"([^"]*)"|'([^']*)')\s*)?-?\}\}$/;

type Value = (recipient: Recipient, unsubscribeUrl: string) => string;

/** The commonest outputs, without the interpreter: a variable, with or without a default. */
function simpleValue(output: string, place: Place): Value | null {
  const match = simple.exec(output);
  if (!match) return null;
  const [, name, double, single] = match;
  const fallback = writers[place](double ?? single ?? '');
  const write = writers[place];
  if (name === 'unsubscribe_url') return (_, unsubscribeUrl) => write(unsubscribeUrl);
  if (name === 'client.email') return ({ email }) => write(email);
  return ({ fullName }) => (fullName === '' ? fallback : write(fullName));
}

/** A piece of a template's source: literal text, or a token of Liquid and where its value will stand. */
export type Piece = { source: string; place: Place | null };

/** Cuts a source into literal text and Liquid. */
export function tokensOf(source: string): { source: string; isOutput: boolean; isLiquid: boolean }[] {
  return new Tokenizer(source).readTopLevelTokens(composing.options).map((token) => ({
    source: source.slice(token.begin, token.end),
    isOutput: token.kind === TokenKind.Output,
    isLiquid: token.kind === TokenKind.Output || token.kind === TokenKind.Tag,
  }));
}

/** An output with one more filter at its end. By hand, since a pattern that begins with blanks takes the square of their number. */
function withFilter(output: string, filter: string): string {
  const close = output.endsWith('-}}') ? '-}}' : '}}';
  let end = output.length - close.length;
  // Liquid overlooks a bar with no filter behind it, unless another one follows.
  while (/[\s|]/.test(output[end - 1] ?? '')) end -= 1;
  return `${output.slice(0, end)} | ${filter} ${close}`;
}

/** Makes a template of pieces; each output is written as its place wants it. Throws for what {@link findProblem} reports. */
export function compilePieces(pieces: Piece[]): Compiled {
  /** The source of each rewritten output, and where it stands. */
  const placed = new Map<string, { source: string; place: Place }>();
  const source = pieces
    .map((piece) => {
      if (piece.place === null) return piece.source;
      const rewritten = withFilter(piece.source, filterOf[piece.place]);
      placed.set(rewritten, { source: piece.source, place: piece.place });
      return rewritten;
    })
    .join('');
  const templates = composing.parse(source);
  const hasState = /\{%-?\s*assign\b/.test(source);
  const fixed: string[] = [''];
  const makers: (Value | Template)[] = [];
  for (const template of templates) {
    const { token } = template;
    if (token.kind === TokenKind.HTML) {
      fixed[fixed.length - 1] += String(composing.renderSync([template]));
      continue;
    }
    const output = hasState ? undefined : placed.get(token.getText());
    makers.push((output && simpleValue(output.source, output.place)) ?? template);
    fixed.push('');
  }
  const needsLiquid = makers.some((maker) => typeof maker !== 'function');
  return {
    fixed,
    isConstant: makers.length === 0,
    values(recipient, unsubscribeUrl) {
      const context = needsLiquid
        ? new Context(scopeOf(recipient, unsubscribeUrl), composing.options, { sync: true })
        : null;
      return makers.map((maker) => {
        if (typeof maker === 'function') return maker(recipient, unsubscribeUrl);
        return String(composing.renderSync([maker], context ?? {}));
      });
    },
  };
}

/** Puts fixed pieces and values together. */
export function joinPieces(fixed: readonly string[], values: readonly string[]): string {
  let text = fixed[0] ?? '';
  for (let i = 1; i < fixed.length; i++) text += (values[i - 1] ?? '') + fixed[i];
  return text;
}
