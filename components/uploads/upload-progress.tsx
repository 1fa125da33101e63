import { useTranslations } from 'next-intl';

/** How far an upload has come, 0 to 1; null: nobody can tell. */
export function UploadProgress({ part }: { part: number | null }) {
  const t = useTranslations('uploads');
  const percent = part === null ? null : Math.round(part * 100);
  return (
    <div className="mt-3">
      <p role="status" className="text-[0.8125rem] text-muted">
        {t('uploading')}
      </p>
      <div
        role="progressbar"
        aria-label={t('uploading')}
        {...(percent === null ? {} : { 'aria-valuenow': percent, 'aria-valuemin': 0, 'aria-valuemax': 100 })}
        className="mt-1 h-1.5 overflow-hidden rounded-full bg-line"
      >
        <div
          className={
            percent === null
              ? 'h-full w-1/3 rounded-full bg-accent motion-safe:animate-pulse'
              : 'h-full bg-accent'
          }
          style={percent === null ? undefined : { width: `${percent}%` }}
        />
      </div>
    </div>
  );
}
