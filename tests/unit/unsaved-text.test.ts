import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  forgetUnsavedText,
  forgetUnsavedTexts,
  keepUnsavedText,
  unsavedTexts,
} from '@/components/ui/unsaved-text';

/** What a browser keeps, as far as it is asked here: entries are its own properties. */
function storage(max = Number.POSITIVE_INFINITY) {
  const kept: Record<string, string> = {};
  return Object.defineProperties(kept, {
    getItem: { value: (key: string) => kept[key] ?? null },
    setItem: {
      value: (key: string, value: string) => {
        if (value.length > max) throw new Error('QuotaExceededError');
        kept[key] = value;
      },
    },
    removeItem: { value: (key: string) => delete kept[key] },
  });
}

const textOf = (since: string, title: string, at = new Date()) => ({
  since,
  at: at.toISOString(),
  version: 1,
  values: { title },
});
const titles = () => unsavedTexts('post:1:1').map(({ values }) => values.title);

beforeEach(() => {
  vi.stubGlobal('window', { localStorage: storage() });
  vi.useFakeTimers({ now: new Date('2026-11-21T12:00:00Z') });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('each window keeps its latest text and none of another, the oldest going when there are too many', () => {
  keepUnsavedText('post:1:1', textOf('a', 'one'));
  keepUnsavedText('post:1:1', textOf('a', 'two'));
  keepUnsavedText('post:1:1', textOf('b', 'other window'));
  keepUnsavedText('post:2:1', textOf('c', 'other writer'));
  expect(titles()).toEqual(['two', 'other window']);
  forgetUnsavedText('post:1:1', 'a');
  expect(titles()).toEqual(['other window']);
  for (const since of ['d', 'e', 'f']) keepUnsavedText('post:1:1', textOf(since, since));
  expect(titles()).toEqual(['d', 'e', 'f']);
});

test('what is a month old, or was never written by us, is offered to nobody', () => {
  keepUnsavedText('post:1:1', textOf('a', 'old', new Date('2026-10-01T00:00:00Z')));
  expect(titles()).toEqual([]);
  for (const odd of [
    '{',
    'null',
    '{"a":1}',
    '[1,null,{"since":1}]',
    '[{"since":"a","at":"x","version":1,"values":{}}]',
  ]) {
    window.localStorage.setItem('mailroom:unsaved:post:1:1', odd);
    expect(titles(), odd).toEqual([]);
  }
});

test('a browser that keeps nothing, or no more, stops nobody from writing', () => {
  vi.stubGlobal('window', { localStorage: storage(10) });
  expect(() => keepUnsavedText('post:1:1', textOf('a', 'too long'))).not.toThrow();
  vi.stubGlobal('window', {});
  expect(() => keepUnsavedText('post:1:1', textOf('a', 'forbidden'))).not.toThrow();
  expect(titles()).toEqual([]);
});

test('who signs out leaves nothing behind, not even what the page would keep on its way out', () => {
  keepUnsavedText('post:1:1', textOf('a', 'secret'));
  window.localStorage.setItem('theme', 'dark');
  forgetUnsavedTexts();
  keepUnsavedText('post:1:1', textOf('a', 'secret'));
  expect(Object.keys(window.localStorage)).toEqual(['theme']);
  // Who could not be signed out and goes on writing is kept safe again.
  vi.advanceTimersByTime(60_000);
  keepUnsavedText('post:1:1', textOf('a', 'later'));
  expect(titles()).toEqual(['later']);
});
