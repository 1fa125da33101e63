'use client';

import { Dialog } from '@base-ui/react/dialog';
import { Toolbar } from '@base-ui/react/toolbar';
import { Plugin, PluginKey } from '@tiptap/pm/state';
import type { Editor } from '@tiptap/react';
import { ImagePlus } from 'lucide-react';
import Image from 'next/image';
import { unstable_rethrow } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useCallback, useEffect, useId, useRef, useState, useTransition } from 'react';
import { Alert } from '@/components/ui/alert';
import { Button } from '@/components/ui/button';
import { classNames } from '@/components/ui/class-names';
import { dialogStyle } from '@/components/ui/dialog-style';
import { controlStyle } from '@/components/ui/field';
import { type Problem, useProblemText } from '@/components/ui/form-answer';
import { uploadImageAction } from '@/lib/uploads/actions';
import { imageUploadSchema } from '@/lib/uploads/schema';

type Upload = { kind: 'sending' } | { kind: 'stored'; url: string } | { kind: 'refused'; problem: Problem };
type Picture = {
  key: string;
  file: File;
  /** The file itself as an address, for looking at before it is stored. */
  preview: string;
  upload: Upload;
};

async function uploadOf(file: File): Promise<Upload> {
  const form = new FormData();
  form.set('image', file);
  try {
    const answer = await uploadImageAction({ ok: null }, form);
    if (answer.ok) return { kind: 'stored', url: answer.data.url };
    const problem = answer.ok === false ? (answer.error.fields?.image ?? answer.error) : null;
    return { kind: 'refused', problem: problem ?? { code: 'unexplained' } };
  } catch (error) {
    unstable_rethrow(error);
    return { kind: 'refused', problem: { code: 'unreachable' } };
  }
}

/** What is wrong with a file before it is sent anywhere; null when only its content can tell. */
function wrongWith(file: File): Problem | null {
  const parsed = imageUploadSchema.safeParse({ image: file });
  const issue = parsed.error?.issues[0];
  if (!issue) return null;
  const params = issue.code === 'custom' ? (issue.params as Problem['params']) : undefined;
  return { code: issue.message, ...(params ? { params } : {}) };
}

/**
 * The tool that puts pictures into the text: chosen from the disk, dropped into the text or pasted there. Each is stored while
 * its writer says what it shows, and stands in the text only when both are done.
 */
export function ImageButton({
  editor,
  widthMax,
  className,
}: {
  editor: Editor;
  /** Pixels; wider pictures are shown this wide. */
  widthMax: number;
  className: string;
}) {
  const t = useTranslations('uploads');
  const [pictures, setPictures] = useState<Picture[]>([]);
  const [, startTransition] = useTransition();
  const chooser = useRef<HTMLInputElement>(null);

  const take = useCallback((files: File[]) => {
    for (const file of files) {
      const key = crypto.randomUUID();
      const wrong = wrongWith(file);
      const upload: Upload = wrong ? { kind: 'refused', problem: wrong } : { kind: 'sending' };
      setPictures((all) => [...all, { key, file, preview: URL.createObjectURL(file), upload }]);
      if (wrong) continue;
      startTransition(async () => {
        const done = await uploadOf(file);
        setPictures((all) => all.map((one) => (one.key === key ? { ...one, upload: done } : one)));
      });
    }
  }, []);

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
  const insert = (attributes: { src: string; alt: string; width?: number }) => {
    const { to, $to } = editor.state.selection;
    // After what is selected and not instead of it; a picture that fills the line gets a line of its own.
    const chain = editor.chain().setTextSelection(to);
    if (attributes.width !== undefined && attributes.width > widthMax / 2) {
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
        accept="image/jpeg,image/png,image/webp,image/avif"
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
  widthMax,
  isLast,
  onInsert,
  onDrop,
  onAnother,
}: {
  picture: Picture;
  widthMax: number;
  isLast: boolean;
  onInsert: (attributes: { src: string; alt: string; width?: number }) => void;
  onDrop: () => void;
  onAnother: () => void;
}) {
  const t = useTranslations('uploads');
  const ui = useTranslations('ui');
  const text = useProblemText('uploads');
  const id = useId();
  const [alt, setAlt] = useState('');
  const [width, setWidth] = useState(0);
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

  const insert = () => {
    if (upload.kind !== 'stored') return;
    onInsert({
      src: upload.url,
      alt: alt.trim(),
      ...(width > 0 ? { width: Math.min(width, widthMax) } : {}),
    });
  };
  return (
    <>
      <Image
        src={preview}
        alt=""
        width={600}
        height={240}
        unoptimized
        onLoad={(event) => setWidth(event.currentTarget.naturalWidth)}
        className="mx-auto mt-3 h-auto max-h-60 w-auto max-w-full rounded-sm border border-line bg-sunken"
      />
      <label htmlFor={id} className="mt-4 block text-[0.875rem] font-medium">
        {t('alt')}
      </label>
      <input
        id={id}
        type="text"
        value={alt}
        maxLength={300}
        aria-describedby={`${id}-hint`}
        onChange={(event) => setAlt(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.nativeEvent.isComposing) return;
          event.preventDefault();
          insert();
        }}
        className={classNames(controlStyle, 'mt-1')}
      />
      <p id={`${id}-hint`} className="mt-1 text-[0.8125rem] text-muted">
        {t('altHint')}
      </p>
      <div className="mt-5 flex flex-wrap justify-end gap-2">
        {cancel}
        <Button variant="primary" pending={upload.kind === 'sending'} onClick={insert}>
          {upload.kind === 'sending' ? t('uploading') : t('insert')}
        </Button>
      </div>
    </>
  );
}
