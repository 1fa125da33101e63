import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react';
import type { ComponentProps, ReactNode } from 'react';
import type { Tone } from './badge';
import { classNames } from './class-names';

const looks: Record<Tone, { box: string; sign: string; Icon: typeof Info }> = {
  neutral: { box: 'bg-sunken border-line', sign: 'text-muted', Icon: Info },
  info: { box: 'bg-info-soft border-info/25', sign: 'text-info', Icon: Info },
  good: { box: 'bg-good-soft border-good/25', sign: 'text-good', Icon: CircleCheck },
  warn: { box: 'bg-warn-soft border-warn/30', sign: 'text-warn', Icon: TriangleAlert },
  bad: { box: 'bg-bad-soft border-bad/25', sign: 'text-bad', Icon: CircleAlert },
  accent: { box: 'bg-accent-soft border-accent/25', sign: 'text-accent', Icon: Info },
};

type AlertProps = Omit<ComponentProps<'div'>, 'title'> & {
  tone?: Tone | undefined;
  title?: ReactNode;
};

/** A sentence or two that concern the whole page or form. Pass `role="alert"` when it appears by itself. */
export function Alert({ tone = 'info', title, className, children, ...rest }: AlertProps) {
  const { box, sign, Icon } = looks[tone];
  return (
    <div
      {...rest}
      className={classNames('flex gap-2.5 rounded-md border px-3 py-2.5 text-ink', box, className)}
    >
      <Icon aria-hidden className={classNames('mt-0.5 size-4 shrink-0', sign)} />
      <div className="min-w-0 flex-1">
        {title ? <p className="font-semibold">{title}</p> : null}
        {children}
      </div>
    </div>
  );
}
