'use client';

import { CodeXml, Type } from 'lucide-react';
import dynamic from 'next/dynamic';
import { useTranslations } from 'next-intl';
import {
  type ChangeEventHandler,
  type FocusEventHandler,
  type Ref,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react';
import { Alert } from '@/components/ui/alert';
import { Button } from '@/components/ui/button';
import { classNames } from '@/components/ui/class-names';
import { controlStyle } from '@/components/ui/field';
import { Skeleton } from '@/components/ui/skeleton';
import type { EditorKind } from './kinds';

const RichEditor = dynamic(() => import('./rich-editor'), {
  ssr: false,
  loading: () => <Skeleton className="h-78" />,
});

type BodyEditorProps = {
  kind: EditorKind;
  name: string;
  label: string;
  hint?: string | undefined;
  /** HTML, in letters with Liquid in it. */
  defaultValue?: string | undefined;
  /** A sentence, translated. */
  error?: string | undefined;
  required?: boolean | undefined;
  onChange?: ChangeEventHandler<HTMLTextAreaElement> | undefined;
  onBlur?: FocusEventHandler<HTMLTextAreaElement> | undefined;
  ref?: Ref<HTMLTextAreaElement> | undefined;
  autoFocus?: true | undefined;
};

/**
 * The field a letter or an article is written in. The form gets HTML from the textarea inside it, which is all there is without JavaScript;
 * with it a visual editor stands in front and keeps the textarea in step. HTML that the visual editor could not keep whole is
 * shown as source and left alone unless the writer decides otherwise.
 */
export function BodyEditor({
  kind,
  name,
  label,
  hint,
  defaultValue = '',
  error,
  required,
  onChange,
  onBlur,
  ref,
  autoFocus,
}: BodyEditorProps) {
  const t = useTranslations('editor');
  const id = useId();
  const textarea = useRef<HTMLTextAreaElement | null>(null);
  const focusEditor = useRef<(() => void) | null>(null);
  // `plain` until the page is alive; what the visual editor begins with when it is.
  const [view, setView] = useState<'plain' | 'rich' | 'source'>('plain');
  const [start, setStart] = useState(defaultValue);
  const [wouldLose, setWouldLose] = useState(false);

  const open = async (force: boolean) => {
    const html = textarea.current?.value ?? defaultValue;
    // Without the editor's script the source is still there to be written.
    const checks = await import('./survives-editing').catch(() => null);
    if (!checks) {
      setView('source');
      return;
    }
    if (!force && !checks.survivesEditing(html, kind)) {
      setWouldLose(true);
      setView('source');
      return;
    }
    setWouldLose(false);
    setStart(html);
    setView('rich');
  };
  const openAtFirst = useRef(open);
  useEffect(() => {
    void openAtFirst.current(false);
  }, []);

  const write = (html: string) => {
    const field = textarea.current;
    if (!field || field.value === html) return;
    // As if it had been typed there, so that whoever listens to the field hears of it.
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value')?.set?.call(field, html);
    field.dispatchEvent(new Event('input', { bubbles: true }));
  };
  const describedBy = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ') || undefined;
  const rich = view === 'rich';

  return (
    <div className="min-w-0">
      <div className="mb-1 flex items-end justify-between gap-3">
        <label id={`${id}-label`} htmlFor={id} className="text-[0.875rem] font-medium">
          {label}
          {required ? (
            <span aria-hidden className="ml-0.5 text-accent">
              *
            </span>
          ) : null}
        </label>
        {view === 'source' && !wouldLose ? (
          <Button size="sm" variant="ghost" onClick={() => open(false)}>
            <Type aria-hidden />
            {t('visual')}
          </Button>
        ) : null}
      </div>
      {wouldLose ? (
        <Alert tone="warn" className="mb-2">
          <p>{t(`wouldLose.${kind}`)}</p>
          <Button size="sm" className="mt-2" onClick={() => open(true)}>
            {t('visualAnyway')}
          </Button>
        </Alert>
      ) : null}
      <div
        className={classNames(
          rich &&
            'rounded-md border bg-surface focus-within:outline-2 focus-within:outline-offset-1 focus-within:outline-accent',
          rich && (error ? 'border-bad' : 'border-edge/60'),
          'relative',
        )}
      >
        {view === 'plain' ? <Skeleton className="h-78 [@media(scripting:none)]:hidden" /> : null}
        {rich ? (
          <RichEditor
            kind={kind}
            html={start}
            labelledBy={`${id}-label`}
            describedBy={describedBy}
            invalid={Boolean(error)}
            onChange={write}
            onReady={(focus) => {
              focusEditor.current = focus;
            }}
          >
            <Button size="sm" variant="ghost" onClick={() => setView('source')}>
              <CodeXml aria-hidden />
              {t('source')}
            </Button>
          </RichEditor>
        ) : null}
        <textarea
          id={id}
          name={name}
          ref={(field) => {
            textarea.current = field;
            if (typeof ref === 'function') ref(field);
            else if (ref) ref.current = field;
          }}
          defaultValue={defaultValue}
          rows={14}
          {...(autoFocus ? { autoFocus } : {})}
          spellCheck={view === 'source' ? false : undefined}
          required={required && !rich}
          aria-describedby={describedBy}
          aria-invalid={error ? true : undefined}
          aria-hidden={rich || undefined}
          tabIndex={rich ? -1 : undefined}
          onChange={onChange}
          onBlur={onBlur}
          // Whoever is sent here (by the label, or by an error) wants to write.
          onFocus={rich ? () => focusEditor.current?.() : undefined}
          className={
            rich
              ? 'sr-only'
              : classNames(
                  controlStyle,
                  'font-mono text-[0.8125rem] leading-relaxed',
                  // Where scripts run the editor is about to come; the source would only flash up.
                  view === 'plain' && '[@media(scripting:enabled)]:sr-only',
                )
          }
        />
      </div>
      {hint ? (
        <p id={`${id}-hint`} className="mt-1 text-[0.8125rem] text-muted">
          {hint}
        </p>
      ) : null}
      {error ? (
        <p id={`${id}-error`} className="mt-1 text-[0.8125rem] font-medium text-bad">
          {error}
        </p>
      ) : null}
    </div>
  );
}
