'use client';

import { Search } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { type ReactNode, useId } from 'react';
import { Button } from './button';
import { classNames } from './class-names';
import { controlStyle, FieldError } from './field';
import { Fold } from './fold';
import { useQueryForm } from './query-form';

/**
 * A search of the list below, kept in the address. A plain GET form without JavaScript; with it the page stays. `hidden`
 * are the other choices to keep (sort, filters); the cursor must not be among them. Further controls go in as children; where they
 * are many, `folded` says how many of them are in use, and a phone shows that number until somebody asks for them or one is wrong.
 */
export function SearchBox({
  name = 'q',
  label,
  defaultValue,
  placeholder,
  hidden = {},
  error,
  folded,
  className,
  children,
}: {
  name?: string;
  label?: string | undefined;
  defaultValue?: string | undefined;
  placeholder?: string | undefined;
  hidden?: Record<string, string | undefined>;
  /** What is wrong with what is looked for, as a sentence. */
  error?: string | undefined;
  folded?: { active: number; isWrong?: boolean };
  className?: string | undefined;
  children?: ReactNode;
}) {
  const t = useTranslations('ui');
  const { pending, onSubmit } = useQueryForm();
  const errorId = useId();
  return (
    <search className={className}>
      <form method="get" onSubmit={onSubmit} className="flex flex-wrap items-center gap-2">
        {Object.entries(hidden).map(([key, value]) =>
          value ? <input key={key} type="hidden" name={key} value={value} /> : null,
        )}
        <div className={classNames('relative min-w-40 flex-1 sm:max-w-80', folded && 'max-sm:basis-full')}>
          <Search aria-hidden className="pointer-events-none absolute top-2.5 left-2.5 size-4 text-muted" />
          <input
            key={defaultValue ?? ''}
            type="search"
            name={name}
            aria-label={label ?? placeholder ?? t('search')}
            placeholder={placeholder}
            defaultValue={defaultValue}
            maxLength={200}
            aria-invalid={error ? true : undefined}
            aria-describedby={error ? errorId : undefined}
            className={classNames(controlStyle, 'pl-8')}
          />
          {error ? (
            <div role="alert">
              <FieldError id={errorId}>{error}</FieldError>
            </div>
          ) : null}
        </div>
        {folded ? (
          // What was asked for is seen at once: the next answer comes folded.
          <Fold
            key={`${folded.active} ${folded.isWrong}`}
            label={t('filters', { count: folded.active })}
            isOpen={folded.isWrong}
          >
            {children}
          </Fold>
        ) : (
          children
        )}
        <Button type="submit" pending={pending} className={folded && 'max-sm:ml-auto'}>
          {t('search')}
        </Button>
      </form>
    </search>
  );
}
