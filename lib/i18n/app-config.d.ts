import type messages from './en.json';
import type { Locale } from './paths';

// Makes tsc refuse a key that no catalogue has.
declare module 'next-intl' {
  interface AppConfig {
    Locale: Locale;
    Messages: typeof messages;
  }
}
