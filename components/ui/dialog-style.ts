import { classNames } from './class-names';

/** The box of a dialog and the veil behind it. */
export const dialogStyle = {
  veil: 'fixed inset-0 z-40 bg-veil transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0',
  box: classNames(
    'fixed top-1/2 left-1/2 z-50 w-[min(32rem,calc(100vw-2rem))] max-h-[calc(100dvh-2rem)] -translate-x-1/2 -translate-y-1/2',
    'overflow-y-auto rounded-lg border border-line bg-surface p-5 text-ink shadow-lift transition-opacity',
    'data-ending-style:opacity-0 data-starting-style:opacity-0',
  ),
};
