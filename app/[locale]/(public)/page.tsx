import type { Metadata } from 'next';
import { getLocale, getTranslations } from 'next-intl/server';
import { Alone } from '@/components/layout/alone';
import { AppLink, LinkButton } from '@/components/layout/link';
import { PostCards } from '@/components/posts/post-cards';
import { RandomPicks } from '@/components/posts/random-picks';
import { SampleRun } from '@/components/posts/sample-run';
import { formatNumber } from '@/lib/format';
import { cachedPicks, cachedTotals } from '@/lib/posts/cache';

export const revalidate = 60;
export const dynamicParams = false;

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('home');
  return { title: { absolute: t('metaTitle') } };
}

/** What it does better than others. */
const points = ['recurrence', 'ledger', 'control', 'overseer'] as const;

export default async function HomePage() {
  const [t, locale, totals, posts] = await Promise.all([
    getTranslations('home'),
    getLocale(),
    cachedTotals(),
    cachedPicks(),
  ]);
  const numbers = totals
    ? [
        { label: t('mailings'), value: totals.mailings },
        { label: t('activeMailings'), value: totals.activeMailings },
        { label: t('uniqueClients'), value: totals.uniqueClients },
      ]
    : [];
  return (
    <div className="mx-auto grid max-w-6xl gap-10 px-4 pt-9 pb-16 sm:px-6 lg:gap-11 lg:pt-12">
      <section className="grid items-center gap-10 lg:grid-cols-[1.1fr_1fr] lg:gap-14">
        <div>
          <h1 className="text-4xl font-semibold tracking-[-0.02em] sm:text-5xl">{t('title')}</h1>
          <p className="mt-5 max-w-[34rem] text-[1.0625rem] leading-relaxed text-muted">{t('lead')}</p>
          <div className="mt-7 flex flex-wrap gap-2.5">
            <LinkButton href="/register" variant="primary">
              {t('start')}
            </LinkButton>
            <LinkButton href="/login">{t('signIn')}</LinkButton>
          </div>
        </div>
        <SampleRun />
      </section>

      {numbers.length > 0 ? (
        <section aria-label={t('numbers')}>
          <dl className="grid divide-line rounded-lg border border-line bg-surface max-sm:divide-y sm:grid-cols-3 sm:divide-x">
            {numbers.map((number) => (
              <div key={number.label} className="flex flex-col-reverse px-5 py-4">
                <dt className="text-[0.875rem] text-muted">{number.label}</dt>
                <dd className="text-3xl font-semibold tracking-tight">
                  {formatNumber(locale, number.value)}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ) : null}

      <section aria-labelledby="points">
        <h2 id="points" className="sr-only">
          {t('points.title')}
        </h2>
        <ul className="grid gap-x-8 gap-y-6 sm:grid-cols-2 lg:grid-cols-4">
          {points.map((point) => (
            <li key={point} className="border-t-2 border-ink pt-3">
              <h3 className="font-semibold">{t(`points.${point}.title`)}</h3>
              <p className="mt-1 text-[0.9375rem] text-muted">{t(`points.${point}.body`)}</p>
            </li>
          ))}
        </ul>
      </section>

      {posts.length > 0 ? (
        <section aria-labelledby="posts">
          <div className="mb-5 flex flex-wrap items-baseline justify-between gap-x-6 gap-y-1">
            <h2 id="posts" className="text-2xl font-semibold tracking-tight">
              {t('posts')}
            </h2>
            <AppLink
              href="/blog"
              prefetch
              className="rounded-sm text-accent underline-offset-4 hover:underline"
            >
              {t('allPosts')}
            </AppLink>
          </div>
          <RandomPicks candidates={posts.length}>
            <PostCards posts={posts} heading="h3" />
          </RandomPicks>
        </section>
      ) : null}
      <Alone />
    </div>
  );
}
