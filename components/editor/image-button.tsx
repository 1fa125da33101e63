'use client';

import { Dialog } from '@base-ui/react/dialog';
import { Toolbar } from '@base-ui/react/toolbar';
import { Plugin, PluginKey } from '@tiptap/pm/state';
import type { Editor } from '@tiptap/react';
import { ImagePlus } from 'lucide-react';
import Image from 'next/image';
import { useTranslations } from 'next-intl';
import { useCallback, useEffect, useId, useRef, useState } from 'react';
import { Alert } from '@/components/ui/alert';
import { Button } from '@/components/ui/button';
import { classNames } from '@/components/ui/class-names';
import { dialogStyle } from '@/components/ui/dialog-style';
import { controlStyle, FieldError } from '@/components/ui/field';
import { type Problem, useProblemText } from '@/components/ui/form-answer';
import { sendPicture } from '@/components/uploads/send-picture';
import { UploadProgress } from '@/components/uploads/upload-progress';
import type { UploadPurpose } from '@/db/enums';
import { imageAccept, type StoredImage } from '@/lib/uploads/schema';

type Upload =
  | { kind: 'sending'; part: number | null }
  | { kind: 'stored'; picture: StoredImage }
  | { kind: 'refused'; problem: Problem };
type Attributes = { src: string; alt: string; width: number; height?: number };
type Picture = {
  key: string;
  file: File;
  /** The file itself as an address, for looking at before it is stored. */
  preview: string;
  upload: Upload;
};

/**
 * The tool that puts pictures into the text: chosen from the disk, dropped into the text or pasted there. Each is stored while
 * its writer says what it shows, and stands in the text only when both are done.
 */
export function ImageButton({
  editor,
  purpose,
  widthMax,
  className,
}: {
  editor: Editor;
  purpose: UploadPurpose;
  /** Pixels; wider pictures are shown this wide. */
  widthMax: number;
  className: string;
}) {
  const t = useTranslations('uploads');
  const [pictures, setPictures] = useState<Picture[]>([]);
  const chooser = useRef<HTMLInputElement>(null);

  const take = useCallback(
    (files: File[]) => {
      for (const file of files) {
        const key = crypto.randomUUID();
        const become = (upload: Upload) =>
          setPictures((all) => all.map((one) => (one.key === key ? { ...one, upload } : one)));
        const upload: Upload = { kind: 'sending', part: null };
        setPictures((all) => [...all, { key, file, preview: URL.createObjectURL(file), upload }]);
        void sendPicture(file, purpose, (part) => become({ kind: 'sending', part })).then((sent) =>
          become(
            sent.ok ? { kind: 'stored', picture: sent.picture } : { kind: 'refused', problem: sent.problem },
          ),
        );
      }
    },
    [purpose],
  );

  useEffect(() => {
    const key = new PluginKey('pictures');
    const picturesIn = (data: DataTransfer | null) =>
      [...(data?.files ?? [])].filter(({ type }) => type.startsWith('image/'));
    editor.registerPlugin(
      new Plugin({
        key,
        props: {
          handlePaste(_view, { clipboardData }) {
            const files = picturesIn(clipboardData);
            // Office programs add a picture of the text that they copy: then the text is what is meant.
            if (files.length === 0 || clipboardData?.types.includes('text/html')) return false;
            take(files);
            return true;
          },
          handleDrop(view, event, _slice, moved) {
            const files = picturesIn(event.dataTransfer);
            if (moved || files.length === 0) return false;
            event.preventDefault();
            const place = view.posAtCoords({ left: event.clientX, top: event.clientY });
            if (place) editor.commands.setTextSelection(place.pos);
            take(files);
            return true;
          },
        },
      }),
    );
    return () => {
      editor.unregisterPlugin(key);
    };
  }, [editor, take]);

  const [current] = pictures;
  const drop = () => {
    if (current) URL.revokeObjectURL(current.preview);
    setPictures((all) => all.slice(1));
  };
  const insert = (attributes: Attributes) => {
    const { to, $to } = editor.state.selection;
    // After what is selected and not instead of it; a picture that fills the line gets a line of its own.
    const chain = editor.chain().setTextSelection(to);
    if (attributes.width > widthMax / 2) {
      if ($to.parentOffset > 0) chain.splitBlock();
      chain.setImage(attributes).splitBlock().run();
    } else chain.setImage(attributes).run();
    drop();
  };
  return (
    <>
      <Toolbar.Button
        type="button"
        aria-label={t('button')}
        title={t('button')}
        onMouseDown={(event) => event.preventDefault()}
        onClick={() => chooser.current?.click()}
        className={className}
      >
        <ImagePlus aria-hidden />
      </Toolbar.Button>
      <input
        ref={chooser}
        type="file"
        accept={imageAccept}
        multiple
        hidden
        onChange={(event) => {
          take([...(event.target.files ?? [])]);
          // The same file may be chosen again.
          event.target.value = '';
        }}
      />
      <Dialog.Root
        open={current !== undefined}
        onOpenChange={(open) => {
          if (!open) drop();
        }}
      >
        <Dialog.Portal>
          <Dialog.Backdrop className={dialogStyle.veil} />
          <Dialog.Popup
            className={dialogStyle.box}
            finalFocus={() => {
              editor.commands.focus();
              return false;
            }}
          >
            <Dialog.Title className="text-lg font-semibold">
              {pictures.length > 1 ? t('titleOf', { left: pictures.length - 1 }) : t('title')}
            </Dialog.Title>
            {current ? (
              <PictureForm
                key={current.key}
                picture={current}
                purpose={purpose}
                widthMax={widthMax}
                isLast={pictures.length === 1}
                onInsert={insert}
                onDrop={drop}
                onAnother={() => {
                  drop();
                  chooser.current?.click();
                }}
              />
            ) : null}
          </Dialog.Popup>
        </Dialog.Portal>
      </Dialog.Root>
    </>
  );
}

function PictureForm({
  picture: { file, preview, upload },
  purpose,
  widthMax,
  isLast,
  onInsert,
  onDrop,
  onAnother,
}: {
  picture: Picture;
  purpose: UploadPurpose;
  widthMax: number;
  isLast: boolean;
  onInsert: (attributes: Attributes) => void;
  onDrop: () => void;
  onAnother: () => void;
}) {
  const t = useTranslations('uploads');
  const ui = useTranslations('ui');
  const text = useProblemText('uploads');
  const id = useId();
  const [alt, setAlt] = useState('');
  const [isDecorative, setIsDecorative] = useState(false);
  const [isAsked, setIsAsked] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const cancel = <Button onClick={onDrop}>{isLast ? ui('cancel') : t('skip')}</Button>;

  if (upload.kind === 'refused')
    return (
      <>
        <Alert tone="bad" role="alert" className="mt-3">
          <p className="font-medium [overflow-wrap:anywhere]">{file.name}</p>
          <p>{text(upload.problem)}</p>
        </Alert>
        <div className="mt-5 flex flex-wrap justify-end gap-2">
          {cancel}
          <Button variant="primary" onClick={onAnother}>
            {t('chooseAnother')}
          </Button>
        </div>
      </>
    );

  const isMissing = !isDecorative && alt.trim() === '';
  const insert = () => {
    if (upload.kind !== 'stored') return;
    if (isMissing) {
      setIsAsked(true);
      field.current?.focus();
      return;
    }
    const { url, width, height } = upload.picture;
    onInsert({
      src: url,
      alt: isDecorative ? '' : alt.trim(),
      width: Math.min(width, widthMax),
      // Some mail programs take a height at its word while they make the width fit, and squeeze the picture.
      ...(purpose === 'post' ? { height: Math.round((height * Math.min(width, widthMax)) / width) } : {}),
    });
  };
  const wrong = isAsked && isMissing;
  return (
    <>
      <Image
        src={preview}
        alt=""
        width={600}
        height={240}
        unoptimized
        className="mx-auto mt-3 h-auto max-h-60 w-auto max-w-full rounded-sm border border-line bg-sunken"
      />
      {upload.kind === 'sending' ? <UploadProgress part={upload.part} /> : null}
      <label htmlFor={id} className="mt-4 block text-[0.875rem] font-medium">
        {t('alt')}
      </label>
      <input
        ref={field}
        id={id}
        type="text"
        value={alt}
        maxLength={300}
        disabled={isDecorative}
        aria-invalid={wrong || undefined}
        aria-describedby={wrong ? `${id}-error ${id}-hint` : `${id}-hint`}
        onChange={(event) => setAlt(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.nativeEvent.isComposing) return;
          event.preventDefault();
          insert();
        }}
        className={classNames(controlStyle, 'mt-1')}
      />
      {wrong ? <FieldError id={`${id}-error`}>{t('errors.alt_required')}</FieldError> : null}
      <p id={`${id}-hint`} className="mt-1 text-[0.8125rem] text-muted">
        {t('altHint')}
      </p>
      <label className="mt-3 flex items-start gap-2 text-[0.875rem]">
        <input
          type="checkbox"
          checked={isDecorative}
          onChange={(event) => setIsDecorative(event.target.checked)}
          className="mt-1 size-4 shrink-0 accent-accent"
        />
        {t('decorative')}
      </label>
      <div className="mt-5 flex flex-wrap justify-end gap-2">
        {cancel}
        <Button variant="primary" pending={upload.kind === 'sending'} onClick={insert}>
          {t('insert')}
        </Button>
      </div>
    </>
  );
}
