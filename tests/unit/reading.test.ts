import { expect, test } from 'vitest';
import { readingOf, relatedTo, summaryOf } from '@/lib/posts/reading';

const words = (count: number, word: string) =>
  `<p>${Array.from({ length: count }, () => word).join(' ')}</p>`;

test('an article is in the language that most of its letters are of, whatever code stands in it', () => {
  expect(
    readingOf('Когда отправлять', '<p>Время указывают по часам того, кто ждёт: 250 OK.</p>').language,
  ).toBe('ru');
  expect(
    readingOf('Слово', '<p>One word of another language does not make an article of it.</p>').language,
  ).toBe('en');
  const code = `<pre><code>${'const letters = 1; '.repeat(50)}</code></pre>`;
  expect(readingOf('Код', `<p>Вот пример.</p>${code}`).language).toBe('ru');
});

test('the time to read is counted in words of its language, without code, and is never none', () => {
  expect(readingOf('Title', words(2280 - 1, 'word')).minutes).toBe(10);
  expect(readingOf('Заголовок', words(1840 - 1, 'слово')).minutes).toBe(10);
  expect(readingOf('', '').minutes).toBe(1);
  expect(readingOf('Title', `<pre>${words(5000, 'word')}</pre>`).minutes).toBe(1);
});

test('an article that nobody summed up is told by how it begins, and no word is cut', () => {
  expect(summaryOf({ summary: 'In short', body: '<p>Long</p>' })).toBe('In short');
  expect(summaryOf({ summary: '', body: '<h2>One &amp; two</h2><p>a &lt;b&gt;</p>' })).toBe(
    'One & two a <b>',
  );
  const cut = summaryOf({ summary: '', body: words(100, 'letters') });
  expect(cut.length).toBeLessThanOrEqual(201);
  expect(cut).toMatch(/ letters…$/);
});

test('related are those that share words, in whatever case or number, a rare word before a common one', () => {
  const about = (title: string, summary = '') => ({ title, summary });
  const others = [
    about('Mailings and their subjects'),
    about('Часовые пояса'),
    about('A mailing without bounces'),
    about('Nothing of the kind'),
  ];
  expect(relatedTo(about('Bounced mailings'), others, 3)).toEqual([others[2], others[0]]);
  expect(relatedTo(about('Разница часовых поясов'), others, 3)).toEqual([others[1]]);
  expect(relatedTo(about('About which there could be'), others, 3)).toEqual([]);
});
