/** A visitor counts once for an article in so many minutes. */
export const pauseMinutes = 30;
/** Days that a chart of views may show. */
export const chartDays = [30, 90] as const;
export type ChartDays = (typeof chartDays)[number];

/** One day of a chart, in UTC: `2026-11-21`. */
export type DayViews = { day: string; views: number };

/*
 * Programs that fetch pages and say so; those that pretend to be a browser run no script of ours. `cubot` is a telephone. A browser
 * without a window is none of them: what it is used for does not stand in its name.
 */
const robots =
  /(?<!cu)bot|crawl|spider|slurp|archiver|scrap|preview|facebookexternalhit|mediapartners|feedfetcher|google-|lighthouse|pingdom|uptime|monitor|curl|wget|python|java\/|perl|ruby|php\/|go-http|okhttp|axios|node-fetch|undici|libwww|http-?client/i;

/**
 * Did a person's browser send this from a page of ours? By the name it gives, and by what browsers add to every such request
 * (`Sec-Fetch-Site`, `Origin` where the connection is not secure) and scripts outside of them seldom do. Another site's page is for
 * `lib/auth/foreign` to refuse.
 */
export function isReader(headers: { get(name: string): string | null }): boolean {
  const agent = headers.get('user-agent')?.trim() ?? '';
  if (agent === '' || robots.test(agent)) return false;
  if (/prefetch|prerender/.test(headers.get('sec-purpose') ?? headers.get('purpose') ?? '')) return false;
  return headers.get('sec-fetch-site') === 'same-origin' || headers.get('origin') !== null;
}
