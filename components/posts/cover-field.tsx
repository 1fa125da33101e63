'use client';

import { ImagePlus, Trash2 } from 'lucide-react';
import Image from 'next/image';
import { useTranslations } from 'next-intl';
import { type DragEvent, useEffect, useId, useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import { classNames } from '@/components/ui/class-names';
import { FieldError, TextField } from '@/components/ui/field';
import { type Problem, useProblemText } from '@/components/ui/form-answer';
import { sendPicture } from '@/components/uploads/send-picture';
import { UploadProgress } from '@/components/uploads/upload-progress';
import { imageAccept, imageMegabytesMax } from '@/lib/uploads/schema';

type Cover = { url: string; width: number | null; height: number | null };
type Sending =
  | { kind: 'idle' }
  | { kind: 'sending'; part: number | null }
  | { kind: 'refused'; error: string };

/**
 * The cover of an article: chosen, dropped or taken away, and what it shows. With scripts a file is stored at once and the form
 * carries `imageUrl`, `coverWidth` and `coverHeight`; without them it carries the file itself as `cover`. `coverAlt` goes along in
 * both. A change is told to the form as an `input` event, like typing.
 */
export function CoverField({
  cover: first,
  alt,
  problems,
}: {
  cover: Cover;
  alt: string;
  /** By field; of this one: `cover`, `imageUrl`, `coverAlt`. */
  problems: Record<string, Problem>;
}) {
  const t = useTranslations('uploads.cover');
  const text = useProblemText('uploads');
  const id = useId();
  const [isAlive, setIsAlive] = useState(false);
  const [cover, setCover] = useState(first);
  const [sending, setSending] = useState<Sending>({ kind: 'idle' });
  const [isOver, setIsOver] = useState(false);
  const chooser = useRef<HTMLInputElement>(null);
  const address = useRef<HTMLInputElement>(null);
  const chooseButton = useRef<HTMLButtonElement>(null);
  const latest = useRef(0);
  useEffect(() => setIsAlive(true), []);

  const shown = useRef(first);
  useEffect(() => {
    if (shown.current === cover) return;
    shown.current = cover;
    address.current?.dispatchEvent(new Event('input', { bubbles: true }));
  }, [cover]);

  const take = async (file: File | undefined) => {
    if (!file) return;
    latest.current += 1;
    const mine = latest.current;
    setSending({ kind: 'sending', part: null });
    const sent = await sendPicture(file, 'post', (part) => {
      if (latest.current === mine) setSending({ kind: 'sending', part });
    });
    // Another one was chosen meanwhile, or none.
    if (latest.current !== mine) return;
    if (sent.ok) {
      setCover(sent.picture);
      setSending({ kind: 'idle' });
    } else setSending({ kind: 'refused', error: text(sent.problem) });
  };
  const remove = () => {
    latest.current += 1;
    setSending({ kind: 'idle' });
    setCover({ url: '', width: null, height: null });
    chooseButton.current?.focus();
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setIsOver(false);
    void take([...event.dataTransfer.files].find(({ type }) => type.startsWith('image/')));
  };

  const sentenceOf = (name: string) => {
    const problem = problems[name];
    return problem ? text(problem) : undefined;
  };
  const error = sending.kind === 'refused' ? sending.error : (sentenceOf('cover') ?? sentenceOf('imageUrl'));
  const hasSize = cover.width !== null && cover.height !== null;
  return (
    <fieldset
      className="grid grid-cols-[minmax(0,1fr)] gap-3"
      data-field="cover"
      tabIndex={-1}
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={onDrop}
    >
      <legend className="mb-1 text-[0.875rem] font-medium">{t('label')}</legend>
      <div
        className={classNames(
          'rounded-md border border-dashed p-4',
          isOver ? 'border-accent bg-sunken' : error ? 'border-bad' : 'border-edge',
        )}
      >
        {cover.url ? (
          <Image
            src={cover.url}
            alt={t('preview')}
            width={cover.width ?? 1200}
            height={cover.height ?? 630}
            unoptimized
            className={classNames(
              'mb-3 max-h-72 w-auto max-w-full rounded-sm border border-line bg-sunken object-contain',
              hasSize ? 'h-auto' : 'aspect-[1200/630]',
            )}
          />
        ) : null}
        <div className="flex flex-wrap items-center gap-2 [@media(scripting:none)]:hidden">
          <Button
            ref={chooseButton}
            aria-describedby={`${id}-hint${error ? ` ${id}-error` : ''}`}
            onClick={() => chooser.current?.click()}
          >
            <ImagePlus aria-hidden />
            {t(cover.url ? 'replace' : 'choose')}
          </Button>
          {cover.url ? (
            <Button variant="ghost" onClick={remove}>
              <Trash2 aria-hidden />
              {t('remove')}
            </Button>
          ) : null}
        </div>
        {sending.kind === 'sending' ? <UploadProgress part={sending.part} /> : null}
        <p id={`${id}-hint`} className="mt-2 text-[0.8125rem] text-muted">
          <span className="[@media(scripting:none)]:hidden">{t('drop')} </span>
          {t('hint', { max: imageMegabytesMax })}
        </p>
        <div className="[@media(scripting:enabled)]:hidden">
          <label htmlFor={`${id}-file`} className="mt-2 block text-[0.875rem]">
            {t('file')}
          </label>
          <input
            ref={chooser}
            id={`${id}-file`}
            type="file"
            name="cover"
            accept={imageAccept}
            aria-invalid={error ? true : undefined}
            onChange={(event) => {
              const [file] = event.target.files ?? [];
              // The form is not to carry it too; and the same file may be chosen again.
              event.target.value = '';
              void take(file);
            }}
            // What it holds is told when it is stored.
            onInput={(event) => event.stopPropagation()}
            className="mt-1 block max-w-full"
          />
        </div>
        {isAlive ? (
          <>
            <input ref={address} type="hidden" name="imageUrl" value={cover.url} />
            <input type="hidden" name="coverWidth" value={cover.width ?? ''} />
            <input type="hidden" name="coverHeight" value={cover.height ?? ''} />
          </>
        ) : cover.url ? (
          <div className="mt-2 grid gap-1 [@media(scripting:enabled)]:hidden">
            <label className="flex gap-2">
              <input type="radio" name="imageUrl" value={cover.url} defaultChecked />
              {t('keep')}
            </label>
            <label className="flex gap-2">
              <input type="radio" name="imageUrl" value="" />
              {t('remove')}
            </label>
          </div>
        ) : null}
      </div>
      {error ? (
        <div role="alert" className="-mt-2">
          <FieldError id={`${id}-error`}>{error}</FieldError>
        </div>
      ) : null}
      <TextField
        name="coverAlt"
        label={t('alt')}
        hint={t('altHint')}
        defaultValue={alt}
        error={sentenceOf('coverAlt')}
        maxLength={300}
        autoComplete="off"
      />
    </fieldset>
  );
}
