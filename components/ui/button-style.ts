import { classNames } from './class-names';

export type ButtonVariant = 'primary' | 'secondary' | 'ghost' | 'danger';
export type ButtonSize = 'sm' | 'md';

const variants: Record<ButtonVariant, string> = {
  primary: 'bg-accent text-accent-ink border-transparent hover:bg-accent-strong',
  secondary: 'bg-surface text-ink border-edge/60 hover:border-edge hover:bg-sunken',
  ghost: 'bg-transparent text-ink border-transparent hover:bg-sunken',
  danger: 'bg-surface text-bad border-bad/50 hover:bg-bad-soft hover:border-bad',
};

const sizes: Record<ButtonSize, string> = {
  sm: 'min-h-7 px-2.5 py-0.5 text-[0.8125rem] gap-1.5',
  md: 'min-h-9 px-3.5 py-1.5 text-[0.9375rem] gap-2',
};

/** How a button looks, for buttons and for links that lead on like one. */
export function buttonStyle({
  variant = 'secondary',
  size = 'md',
  className,
}: {
  variant?: ButtonVariant | undefined;
  size?: ButtonSize | undefined;
  className?: string | undefined;
}): string {
  return classNames(
    'inline-flex items-center justify-center rounded-md border font-medium whitespace-nowrap transition-colors',
    'disabled:opacity-55 aria-disabled:opacity-70 aria-disabled:cursor-progress [&_svg]:size-4 [&_svg]:shrink-0',
    variants[variant],
    sizes[size],
    className,
  );
}
