import { Distance } from './distance';

const languages: Record<string, string> = { en: 'en-GB' };

/** Kept, since to make one takes hundreds of microseconds and a table wants one a row; not many, since zones are anybody's choice. */
const kept = new Map<string, Intl.DateTimeFormat>();
const keptMax = 50;

const day = { year: 'numeric', month: 'short', day: 'numeric' } as const;
const hour = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZoneName: 'shortOffset' } as const;
/** How much of an instant is written. */
const forms = {
  minutes: { ...day, ...hour },
  seconds: { ...day, ...hour, second: '2-digit' },
  day,
  hour,
} as const;

function formatter(locale: string, zone: string, form: keyof typeof forms): Intl.DateTimeFormat {
  const key = `${locale} ${zone} ${form}`;
  const found = kept.get(key);
  if (found) return found;
  const made = new Intl.DateTimeFormat(languages[locale] ?? locale, { ...forms[form], timeZone: zone });
  if (kept.size >= keptMax) kept.clear();
  kept.set(key, made);
  return made;
}

/** What the clock of another zone shows at an instant, with its day where that is another; null where it shows the same. */
function elsewhere(at: Date, locale: string, zone: string, other: string): string | null {
  const written = (where: string, form: keyof typeof forms) => formatter(locale, where, form).format(at);
  if (written(zone, 'minutes') === written(other, 'minutes')) return null;
  return written(other, written(zone, 'day') === written(other, 'day') ? 'hour' : 'minutes');
}

/**
 * An instant on the wall clock of a zone, which is always told; with `relative` also how far it is from now. Plans (when a mailing begins,
 * sends and ends) stand in the zone of the mailing, with `readerZone` where the reader's own clock shows another time; what has happened
 * stands in the reader's zone.
 */
export function Time({
  value,
  zone,
  locale,
  seconds = false,
  relative = false,
  readerZone,
  className,
}: {
  value: Date | string;
  /** IANA zone the time is shown in. */
  zone: string;
  locale: string;
  /** To the second, where tries follow each other closely. */
  seconds?: boolean | undefined;
  relative?: boolean | undefined;
  /** IANA zone of who reads it, of a plan in another. */
  readerZone?: string | undefined;
  className?: string | undefined;
}) {
  const at = typeof value === 'string' ? new Date(value) : value;
  const text = formatter(locale, zone, seconds ? 'seconds' : 'minutes').format(at);
  const own = readerZone ? elsewhere(at, locale, zone, readerZone) : null;
  return (
    <time dateTime={at.toISOString()} title={zone} suppressHydrationWarning className={className}>
      <span className="whitespace-nowrap">{text}</span>
      {own ? (
        <>
          {' '}
          <span title={readerZone} className="whitespace-nowrap text-muted">
            ({own})
          </span>
        </>
      ) : null}
      {relative ? (
        <span className="text-muted">
          {' · '}
          <Distance atMs={at.getTime()} locale={locale} />
        </span>
      ) : null}
    </time>
  );
}
