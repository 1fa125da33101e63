import path from 'node:path';
import type { NextConfig } from 'next';
import createNextIntlPlugin from 'next-intl/plugin';
import { packFiles } from './lib/cache/pack';
import { localeRewrites } from './lib/i18n/paths';
import { headerRules } from './lib/security-headers';

const russianByDefault = process.env.DEFAULT_LOCALE === 'ru';

const config: NextConfig = {
  agentRules: false,
  poweredByHeader: false,
  reactStrictMode: true,
  // `lib/cache/packed.ts` answers what is packed here. Vercel packs by itself.
  ...(process.env.VERCEL
    ? {}
    : {
        compiler: {
          runAfterProductionCompile: ({ distDir }) => packFiles(path.join(distDir, 'static')).then(() => {}),
        },
      }),
  turbopack: { root: import.meta.dirname },
  serverExternalPackages: ['@node-rs/argon2', 'postgres'],
  // Pictures are served as they are. The optimiser would work for anybody who asks, seconds long for one large picture.
  images: { unoptimized: true },
  experimental: {
    serverActions: { bodySizeLimit: '8mb' },
    // Nothing is kept in files: one for each address of an article that anybody thinks up has no bound.
    isrFlushToDisk: false,
  },
  // Vercel has a cache of its own, shared by all its functions. In development nothing is kept.
  ...(process.env.NODE_ENV === 'production' && !process.env.VERCEL
    ? { cacheHandler: path.join(import.meta.dirname, 'lib/cache/next.mjs') }
    : {}),
  // Made pages and what they were made of: so many octets in the memory of a process.
  cacheMaxMemorySize: 50 * 1024 * 1024,
  // No visit is shown what is older than a minute: after that a page is made anew while the visitor waits. In seconds.
  expireTime: 60,
  rewrites: async () => ({
    beforeFiles: localeRewrites(russianByDefault ? 'ru' : 'en').rewrites,
    afterFiles: [],
    fallback: [],
  }),
  headers: async () =>
    headerRules({
      isDevelopment: process.env.NODE_ENV === 'development',
      isSecure: process.env.APP_URL?.startsWith('https:') ?? false,
    }),
  redirects: async () => localeRewrites(russianByDefault ? 'ru' : 'en').redirects,
};

export default createNextIntlPlugin('./lib/i18n/request.ts')(config);
