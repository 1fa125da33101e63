import { Distance } from './distance';

const languages: Record<string, string> = { en: 'en-GB' };

/** Kept, since to make one takes hundreds of microseconds and a table wants one a row; not many, since zones are anybody's choice. */
const kept = new Map<string, Intl.DateTimeFormat>();
const keptMax = 50;

function formatter(locale: string, zone: string, seconds: boolean): Intl.DateTimeFormat {
  const key = `${locale} ${zone} ${seconds}`;
  const found = kept.get(key);
  if (found) return found;
  const made = new Intl.DateTimeFormat(languages[locale] ?? locale, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    ...(seconds ? { second: '2-digit' } : {}),
    hourCycle: 'h23',
    timeZone: zone,
    timeZoneName: 'shortOffset',
  });
  if (kept.size >= keptMax) kept.clear();
  kept.set(key, made);
  return made;
}

/** An instant on the reader's wall clock, always with its zone; with `relative` also how far it is from now. */
export function Time({
  value,
  zone,
  locale,
  seconds = false,
  relative = false,
  className,
}: {
  value: Date | string;
  /** IANA zone the time is shown in. */
  zone: string;
  locale: string;
  /** To the second, where tries follow each other closely. */
  seconds?: boolean | undefined;
  relative?: boolean | undefined;
  className?: string | undefined;
}) {
  const at = typeof value === 'string' ? new Date(value) : value;
  const text = formatter(locale, zone, seconds).format(at);
  return (
    <time dateTime={at.toISOString()} title={zone} suppressHydrationWarning className={className}>
      <span className="whitespace-nowrap">{text}</span>
      {relative ? (
        <span className="text-muted">
          {' · '}
          <Distance atMs={at.getTime()} locale={locale} />
        </span>
      ) : null}
    </time>
  );
}
