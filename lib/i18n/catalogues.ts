import en from './en.json';
import type { Locale } from './paths';
import ru from './ru.json';

/** Everything the interface says, by language: complete in both, or tsc complains. */
export const catalogues = { en, ru } satisfies Record<Locale, typeof en>;
