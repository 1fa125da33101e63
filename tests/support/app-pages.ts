import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Every page of the app folder as its address without language, for example `/mailings/[id]/runs/[runId]`; with `saying`, those whose
 * file says that.
 */
export function appPages(saying = /./): string[] {
  const root = path.join(process.cwd(), 'app', '[locale]');
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => path.basename(file) === 'page.tsx')
    .filter((file) => saying.test(readFileSync(path.join(root, file), 'utf8')))
    .map((file) => path.dirname(file).split(path.sep))
    .map((parts) => `/${parts.filter((part) => part !== '.' && !/^\(.*\)$/.test(part)).join('/')}`)
    .sort();
}

/**
 * The address with its parameters filled in: `[id]` by the first part of the address that `things` knows, others by their name.
 * Throws for a page of something that is not there to be opened.
 */
export function filledIn(page: string, things: Record<string, string | number>): string {
  return page.replace(/\[(?:\.\.\.)?(\w+)\]/g, (parameter, name: string) => {
    const area = page.split('/').find((part) => part in things);
    const value = things[name] ?? (name === 'id' && area ? things[area] : undefined);
    if (value === undefined) throw new Error(`${page}: nothing is at hand for ${parameter}`);
    return encodeURIComponent(value);
  });
}
