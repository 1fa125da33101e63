const languages: Record<string, string> = { en: 'en-GB' };

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

function distance(at: Date, now: Date, locale: string): string {
  const seconds = Math.round((at.getTime() - now.getTime()) / 1000);
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ['second' as const, 1];
  return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(Math.round(seconds / size), unit);
}

/** An instant on the reader's wall clock, always with its zone; with `relative` also how far it is from now. */
export function Time({
  value,
  zone,
  locale,
  relative = false,
  className,
}: {
  value: Date | string;
  /** IANA zone the time is shown in. */
  zone: string;
  locale: string;
  relative?: boolean | undefined;
  className?: string | undefined;
}) {
  const at = typeof value === 'string' ? new Date(value) : value;
  const text = new Intl.DateTimeFormat(languages[locale] ?? locale, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: zone,
    timeZoneName: 'shortOffset',
  }).format(at);
  return (
    <time dateTime={at.toISOString()} title={zone} suppressHydrationWarning className={className}>
      <span className="whitespace-nowrap">{text}</span>
      {relative ? <span className="text-muted"> · {distance(at, new Date(), locale)}</span> : null}
    </time>
  );
}
