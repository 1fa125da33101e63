import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { describe, expect, test, vi } from 'vitest';
import { buildMime } from '@/lib/email/mime';
import {
  checkTemplate,
  compileLetter,
  type FrozenRun,
  readUnsubscribeToken,
  renderPreview,
  sanitizeBody,
  unsubscribeToken,
} from '@/lib/sending/compose';
import { unprepared } from '../support/unprepared';

vi.setConfig({ testTimeout: 300_000 });

const numRuns = Number(process.env.MIME_RUNS ?? 1000) / 2;

function run(overrides: Partial<FrozenRun> = {}): FrozenRun {
  return {
    id: 1,
    ownerId: 2,
    mailingId: 3,
    subject: 'Hello',
    body: '<p>Hello</p>',
    fromName: 'Ann',
    fromEmail: 'mail@shop.org',
    replyTo: 'ann@home.org',
    linkBase: 'http://localhost:3000',
    locale: 'en',
    openedAt: new Date(Date.UTC(2026, 0, 2, 3, 4, 5)),
    ...overrides,
  };
}
const bob = { id: 7, email: 'bob@mail.org', fullName: 'Bob' };

describe('what a letter is made of', () => {
  test('the client’s name and address, or the default where there is none', () => {
    const letter = compileLetter(
      run({
        subject: 'For {{ client.full_name | default: "friend" }}',
        body: "<p>{{ client.email }}, {{ client.full_name | default: 'friend' }}</p>",
      }),
    );
    expect(letter.compose(bob)).toMatchObject({ subject: 'For Bob', deliveryId: 7, ownerId: 2 });
    expect(letter.compose(bob).html).toContain('<p>bob@mail.org, Bob</p>');
    expect(letter.compose({ ...bob, fullName: '' }).subject).toBe('For friend');
  });

  test('conditions and filters', () => {
    const { html, text } = compileLetter(
      run({
        body: '{% assign first = client.full_name | split: " " | first %}<p>{% if first == "Bob" %}Hi, {{ first | upcase }}!{% else %}Hello{% endif %}</p>',
      }),
    ).compose({ ...bob, fullName: 'Bob Stone' });
    expect(html).toContain('<p>Hi, BOB!</p>');
    expect(text).toContain('Hi, BOB!');
  });

  test('composed again it has the same bytes', () => {
    const one = compileLetter(run()).compose(bob);
    const two = compileLetter(run()).compose(bob);
    expect(one.writeMime).toBeTypeOf('function');
    expect(buildMime(one)).toBe(buildMime(two));
    expect(one.messageId).toMatch(/^d7\.[0-9a-f]{8}@shop\.org$/);
    expect(one.date).toEqual(run().openedAt);
  });

  test('one-click unsubscribing stands in the headers, and a link at the end of a body that has none', async () => {
    const letter = compileLetter(run({ locale: 'ru' })).compose(bob);
    const token = unsubscribeToken(7);
    const parsed = await PostalMime.parse(Buffer.from(buildMime(letter), 'latin1'));
    const header = (key: string) => parsed.headers.find((each) => each.key === key)?.value;
    expect(header('list-unsubscribe')).toBe(`<http://localhost:3000/api/unsubscribe/${token}>`);
    expect(header('list-unsubscribe-post')).toBe('List-Unsubscribe=One-Click');
    expect(header('list-id')).toBe('<m3.shop.org>');
    expect(header('reply-to')).toBe('ann@home.org');
    expect(letter.html).toContain(`href="http://localhost:3000/ru/unsubscribe/${token}">Отписаться</a>`);
    expect(letter.text).toContain(`Отписаться: http://localhost:3000/ru/unsubscribe/${token}`);
  });

  test('a body with its own unsubscribe link gets no second one', () => {
    const { html, text } = compileLetter(
      run({ body: '<p><a href="{{ unsubscribe_url }}">No more</a></p>' }),
    ).compose(bob);
    const link = `http://localhost:3000/unsubscribe/${unsubscribeToken(7)}`;
    expect(html).toContain(`<a href="${link}">No more</a>`);
    expect(html.split('/unsubscribe/')).toHaveLength(2);
    expect(text.split(link)).toHaveLength(2);
  });

  test('a test letter carries no token of anybody', () => {
    const letter = compileLetter(run()).composeTest({ email: 'ann@home.org', fullName: 'Ann' });
    expect(letter).toMatchObject({ deliveryId: null, isTest: true, headers: [] });
    expect(letter.html).toContain('/unsubscribe/test"');
  });

  test('the text part is made from the HTML', () => {
    const { text } = renderPreview(
      {
        subject: 'x',
        body: '<h1>Sale</h1><p>Dear {{ client.full_name }}, see <a href="https://shop.org/?a=1&amp;b={{ client.email }}">the shop</a>.</p><ul><li>one</li><li>two</li></ul>',
      },
      { email: 'b@c.org', fullName: 'Bob & Sons' },
    );
    expect(text).toContain('Sale\n');
    expect(text).toContain('Dear Bob & Sons, see the shop <https://shop.org/?a=1&b=b%40c.org>.');
    expect(text).toContain(' * one\n * two');
  });
});

describe('what stands in a value stays a value', () => {
  const body =
    '<p title="{{ client.full_name }}">{{ client.full_name }} {{ client.full_name | append: "!" }}{% if client.email %}{{ client.full_name }}{% endif %}</p>' +
    '<a href="https://shop.org/?n={{ client.full_name }}&amp;m=1">x</a><a href="{{ client.full_name }}">y</a>';
  const value = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc
      .array(
        fc.constantFrom(
          '<',
          '>',
          '"',
          "'",
          '&',
          '{{',
          '}}',
          '{%',
          '%}',
          ' client.email ',
          'javascript:',
          '</p>',
          '<script>',
          '\r\n',
          'Bcc: a@b.c',
          '&lt;',
          '=',
          '\ue000',
          '1',
          '\ue001',
        ),
        { maxLength: 20 },
      )
      .map((parts) => parts.join('')),
  );

  test('no name changes the HTML around it, adds a header, or is expanded again', () => {
    const compiled = compileLetter(run({ subject: '{{ client.full_name }}', body }));
    const shape = (html: string) => html.replace(/>[^<]*</g, '><').replace(/"[^"]*"/g, '""');
    const expected = shape(compiled.compose(bob).html);
    fc.assert(
      fc.property(value, (fullName) => {
        const letter = compiled.compose({ id: 7, email: 'x@y.org', fullName });
        expect(shape(letter.html)).toBe(expected);
        expect(letter.subject).not.toMatch(/[\r\n]/);
        expect(letter.html).not.toMatch(/href="\s*javascript:/i);
        if (fullName.includes('{{')) expect(letter.text).toContain('{{');
      }),
      { numRuns },
    );
  });

  test('the prepared letter and the letter built anew read the same', async () => {
    const compiled = compileLetter(
      run({ subject: 'To {{ client.full_name }}', body: `${body}<p>Привет</p>` }),
    );
    await fc.assert(
      fc.asyncProperty(value, async (raw) => {
        const fullName = raw.replaceAll('\r', '');
        const letter = compiled.compose({ id: 7, email: 'x@y.org', fullName });
        const fast = await PostalMime.parse(Buffer.from(buildMime(letter), 'latin1'));
        const slow = await PostalMime.parse(Buffer.from(buildMime(unprepared(letter)), 'latin1'));
        expect(fast.html).toBe(slow.html);
        expect(fast.text).toBe(slow.text);
        expect(fast.headers).toEqual(slow.headers);
      }),
      { numRuns },
    );
  });
});

describe('templates that are refused, with line and reason', () => {
  test.each([
    ['<p>a</p><p>{{ client.nmae }}</p>', 2, 'unknown_variable', 'client.nmae'],
    ['one\ntwo {{ name }}', 2, 'unknown_variable', 'name'],
    ['{{ client.full_name', 1, 'not_closed', '{{ client.full_name'],
    ['a\nb\n{% if client.email %}', 3, 'not_closed', '{% if client.email %}'],
    ['{% for a in b %}{% endfor %}', 1, 'unknown_tag', 'for'],
    ['{% include "/etc/passwd" %}', 1, 'unknown_tag', 'include'],
    ['{{ "now" | date: "%Y" }}', 1, 'unknown_filter', 'date'],
    ['{% assign client = "x" %}', 1, 'reserved_name', 'client'],
    [
      `{% assign a = "xxxxxxxxxx" %}${'{% assign a = a | append: a %}'.repeat(40)}{{ a }}`,
      1,
      'too_large',
      '',
    ],
    ['{{ }}', 1, 'not_understood', ''],
  ])('%s', (source, line, problem, detail) => {
    const found = checkTemplate(source);
    expect(found).toMatchObject({ line, problem, detail });
    expect(found?.reason).not.toBe('');
  });

  test('what an editor does to quotes and signs is understood', () => {
    expect(checkTemplate('{{ client.full_name | default: &quot;friend&quot; }}')).toBeNull();
    expect(checkTemplate('{% if client.full_name &lt; "b" %}x{% endif %}')).toBeNull();
    expect(checkTemplate('{{ client.<b>full_name</b> }}')).toBeNull();
  });

  test('a bar without a filter behind it does no harm', () => {
    const body = '<p>{{ client.full_name| }} {{client.full_name |}}</p>';
    expect(checkTemplate(body)).toBeNull();
    expect(compileLetter(run({ body })).compose(bob).html).toContain('<p>Bob Bob</p>');
  });

  test('no text crashes the check, and what passes composes', () => {
    const source = fc
      .array(
        fc.constantFrom(
          '{{',
          '}}',
          '{%',
          '%}',
          ' client.full_name ',
          ' client.email',
          '|',
          ' default: ',
          '"x"',
          "'",
          'if ',
          'endif',
          'else',
          'assign a = ',
          '<p>',
          '</p>',
          '<a href="',
          '">',
          '</a>',
          ' ',
          'unsubscribe_url',
          'case ',
          'when ',
          '-',
          '#',
          'comment',
          'endcomment',
          '.',
          '[',
          ']',
          '{',
        ),
        { maxLength: 14 },
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(source, (body) => {
        const clean = sanitizeBody(body);
        expect(sanitizeBody(clean)).toBe(clean);
        if (checkTemplate(clean) !== null) return;
        const letter = compileLetter(run({ body: clean })).compose(bob);
        expect(buildMime(letter)).toContain('Message-ID');
      }),
      { numRuns: numRuns * 4 },
    );
  });
});

describe('a body as it is kept', () => {
  test('carries nothing that acts', () => {
    const clean = sanitizeBody(
      '<p onclick="x()" style="color:#c00;position:fixed;background:url(https://x)">a<script>alert(1)</script></p><iframe src="https://x"></iframe>' +
        '<a href="javascript:x">1</a><a href="java{{ x }}script:x">2</a><img src="data:text/html,x"><form action="https://x"><input></form><svg onload=x></svg>{{ "<img src=x onerror=1>" }}',
    );
    expect(clean).not.toMatch(/script|onclick|onerror|onload|iframe|form|input|svg|data:|url\(|position/i);
    expect(clean).toContain('<p style="color:#c00">a</p>');
  });

  test('keeps what mail programs show, and Liquid with its quotes', () => {
    const body =
      '<h2>Hi, {{ client.full_name | default: "friend" }}</h2><p><strong>b</strong> <a href="https://shop.org/?n={{ client.full_name | default: \'x\' }}&amp;c=1">s</a> <a href="mailto:a@b.org">m</a></p>' +
      '<ul><li>one</li></ul><table><tbody><tr><td colspan="2">x</td></tr></tbody></table>{% if client.email != "" %}<p>y</p>{% endif %}';
    expect(sanitizeBody(body)).toBe(body);
  });

  test('raw quotes of Liquid inside an attribute do not break it', () => {
    expect(sanitizeBody('<a href="https://x.org/?n={{ client.full_name | default: "a b" }}">x</a>')).toBe(
      '<a href="https://x.org/?n={{ client.full_name | default: \'a b\' }}">x</a>',
    );
  });
});

describe('unsubscribe tokens', () => {
  test('name their delivery, and nobody without the key can make one', () => {
    expect(readUnsubscribeToken(unsubscribeToken(123456789))).toBe(123456789);
    const token = unsubscribeToken(1);
    for (let at = 0; at < token.length; at++) {
      const other = token[at] === 'A' ? 'B' : 'A';
      expect(readUnsubscribeToken(token.slice(0, at) + other + token.slice(at + 1))).toBeNull();
    }
    for (const wrong of ['', 'test', token.slice(1), `${token}A`, '../../x', 'я'.repeat(32)])
      expect(readUnsubscribeToken(wrong)).toBeNull();
  });
});
