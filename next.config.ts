import type { NextConfig } from 'next';
import createNextIntlPlugin from 'next-intl/plugin';
import { localeRewrites } from './lib/i18n/paths';
import { headerRules } from './lib/security-headers';

const russianByDefault = process.env.DEFAULT_LOCALE === 'ru';

const config: NextConfig = {
  agentRules: false,
  poweredByHeader: false,
  reactStrictMode: true,
  turbopack: { root: import.meta.dirname },
  serverExternalPackages: ['@node-rs/argon2', 'postgres'],
  // Pictures are served as they are. The optimiser would work for anybody who asks, seconds long for one large picture.
  images: { unoptimized: true },
  experimental: {
    serverActions: { bodySizeLimit: '8mb' },
    // Made pages are kept in memory alone, which has a bound (50 MB). A file for each address of an article that anybody thinks up has none.
    isrFlushToDisk: false,
  },
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
