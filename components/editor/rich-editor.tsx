'use client';

import { Menu } from '@base-ui/react/menu';
import { Popover } from '@base-ui/react/popover';
import { Toolbar } from '@base-ui/react/toolbar';
import { type Editor, EditorContent, useEditor, useEditorState } from '@tiptap/react';
import {
  Bold,
  Braces,
  ChevronDown,
  Code,
  Heading1,
  Heading2,
  Heading3,
  Heading4,
  Italic,
  Link2,
  List,
  ListOrdered,
  type LucideIcon,
  Minus,
  Quote,
  Redo2,
  SquareCode,
  Undo2,
} from 'lucide-react';
import { useTranslations } from 'next-intl';
import { type ReactNode, useState } from 'react';
import { Button } from '@/components/ui/button';
import { classNames } from '@/components/ui/class-names';
import { controlStyle } from '@/components/ui/field';
import { ImageButton } from './image-button';
import { type EditorKind, type HeadingLevel, kinds } from './kinds';

const unsubscribeUrl = '{{ unsubscribe_url }}';

const toolStyle = classNames(
  'inline-flex h-8 min-w-8 items-center justify-center gap-1 rounded-sm border border-transparent px-1.5 text-ink',
  'hover:bg-sunken aria-pressed:border-edge/50 aria-pressed:bg-sunken data-popup-open:bg-sunken',
  'aria-disabled:opacity-40 data-disabled:opacity-40 [&_svg]:size-4',
);
const popupStyle = 'z-40 rounded-md border border-line bg-surface text-ink shadow-lg outline-none';

export type RichEditorProps = {
  kind: EditorKind;
  /** HTML to begin with. */
  html: string;
  labelledBy: string;
  describedBy: string | undefined;
  invalid: boolean;
  /** Called when somebody has changed something, with the whole as HTML. */
  onChange: (html: string) => void;
  /** Gives the parent the way to put the cursor here. */
  onReady: (focus: () => void) => void;
  /** Stands at the end of the toolbar. */
  children?: ReactNode;
};

/** The visual editor itself; loaded only where something is written. */
export default function RichEditor({
  kind,
  html,
  labelledBy,
  describedBy,
  invalid,
  onChange,
  onReady,
  children,
}: RichEditorProps) {
  const editor = useEditor({
    immediatelyRender: false,
    // Its style sheet stands in globals.css: one that a script adds is none of ours to the browser.
    injectCSS: false,
    extensions: kinds[kind].extensions,
    content: html,
    editorProps: {
      attributes: {
        role: 'textbox',
        'aria-multiline': 'true',
        'aria-labelledby': labelledBy,
        ...(describedBy ? { 'aria-describedby': describedBy } : {}),
        ...(invalid ? { 'aria-invalid': 'true' } : {}),
        class: classNames(kinds[kind].typography, 'min-h-64 px-4 py-3 outline-none'),
      },
    },
    onCreate: ({ editor: made }) => onReady(() => made.commands.focus()),
    onUpdate: ({ editor: changed }) => onChange(changed.isEmpty ? '' : kinds[kind].write(changed.getHTML())),
  });
  if (!editor) return <div className="h-78" />;
  return (
    <>
      <Tools editor={editor} kind={kind}>
        {children}
      </Tools>
      <EditorContent editor={editor} />
    </>
  );
}

const headingIcons: Record<HeadingLevel, LucideIcon> = { 1: Heading1, 2: Heading2, 3: Heading3, 4: Heading4 };

function Tools({ editor, kind, children }: { editor: Editor; kind: EditorKind; children: ReactNode }) {
  const t = useTranslations('editor');
  const is = useEditorState({
    editor,
    selector: ({ editor: current }) => ({
      bold: current.isActive('bold'),
      italic: current.isActive('italic'),
      heading: kinds[kind].headings.find((level) => current.isActive('heading', { level })),
      code: current.isActive('code'),
      codeBlock: current.isActive('codeBlock'),
      bulletList: current.isActive('bulletList'),
      orderedList: current.isActive('orderedList'),
      blockquote: current.isActive('blockquote'),
      undo: current.can().undo(),
      redo: current.can().redo(),
    }),
  });
  const chain = () => editor.chain().focus();
  return (
    <Toolbar.Root
      aria-label={t('toolbar')}
      className="sticky top-0 z-10 flex flex-wrap items-center gap-0.5 rounded-t-md border-b border-line bg-surface p-1"
    >
      <Tool label={t('bold')} Icon={Bold} pressed={is.bold} onClick={() => chain().toggleBold().run()} />
      <Tool
        label={t('italic')}
        Icon={Italic}
        pressed={is.italic}
        onClick={() => chain().toggleItalic().run()}
      />
      <LinkTool editor={editor} />
      <ImageButton
        editor={editor}
        purpose={kinds[kind].pictures}
        widthMax={kinds[kind].pictureWidth}
        className={toolStyle}
      />
      <Gap />
      {kinds[kind].headings.map((level) => (
        <Tool
          key={level}
          label={t(`h${level}`)}
          Icon={headingIcons[level]}
          pressed={is.heading === level}
          onClick={() => chain().toggleHeading({ level }).run()}
        />
      ))}
      <Gap />
      <Tool
        label={t('bulletList')}
        Icon={List}
        pressed={is.bulletList}
        onClick={() => chain().toggleBulletList().run()}
      />
      <Tool
        label={t('orderedList')}
        Icon={ListOrdered}
        pressed={is.orderedList}
        onClick={() => chain().toggleOrderedList().run()}
      />
      <Tool
        label={t('quote')}
        Icon={Quote}
        pressed={is.blockquote}
        onClick={() => chain().toggleBlockquote().run()}
      />
      <Tool label={t('line')} Icon={Minus} onClick={() => chain().setHorizontalRule().run()} />
      <Gap />
      {kinds[kind].hasCode ? (
        <>
          <Tool label={t('code')} Icon={Code} pressed={is.code} onClick={() => chain().toggleCode().run()} />
          <Tool
            label={t('codeBlock')}
            Icon={SquareCode}
            pressed={is.codeBlock}
            onClick={() => chain().toggleCodeBlock().run()}
          />
          <Gap />
        </>
      ) : null}
      {kinds[kind].hasVariables ? (
        <>
          <Variables editor={editor} />
          <Gap />
        </>
      ) : null}
      <Tool label={t('undo')} Icon={Undo2} disabled={!is.undo} onClick={() => chain().undo().run()} />
      <Tool label={t('redo')} Icon={Redo2} disabled={!is.redo} onClick={() => chain().redo().run()} />
      <div className="ml-auto">{children}</div>
    </Toolbar.Root>
  );
}

function Gap() {
  return <Toolbar.Separator className="mx-1 h-5 w-px bg-line" />;
}

function Tool({
  label,
  Icon,
  pressed,
  disabled = false,
  onClick,
}: {
  label: string;
  Icon: LucideIcon;
  pressed?: boolean;
  disabled?: boolean;
  onClick: () => void;
}) {
  return (
    <Toolbar.Button
      type="button"
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      disabled={disabled}
      // The selection in the text stays where it is when the mouse goes down here.
      onMouseDown={(event) => event.preventDefault()}
      onClick={onClick}
      className={toolStyle}
    >
      <Icon aria-hidden />
    </Toolbar.Button>
  );
}

function Variables({ editor }: { editor: Editor }) {
  const t = useTranslations('editor');
  // What the menu inserts, as Liquid: the word for those without a name is in the writer's language.
  const variables = [
    { name: 'fullName', source: `{{ client.full_name | default: "${t('friend')}" }}` },
    { name: 'email', source: '{{ client.email }}' },
  ] as const;
  const insert = (source: string) =>
    editor.chain().focus().insertContent({ type: 'text', text: source }).run();
  const insertUnsubscribe = () => {
    const { empty } = editor.state.selection;
    if (empty)
      editor
        .chain()
        .focus()
        .insertContent({
          type: 'text',
          text: t('unsubscribeText'),
          marks: [{ type: 'link', attrs: { href: unsubscribeUrl } }],
        })
        .unsetMark('link')
        .run();
    else editor.chain().focus().setLink({ href: unsubscribeUrl }).run();
  };
  return (
    <Menu.Root>
      <Toolbar.Button type="button" className={toolStyle} render={<Menu.Trigger />}>
        <Braces aria-hidden />
        <span className="text-[0.8125rem]">{t('variables')}</span>
        <ChevronDown aria-hidden className="size-3!" />
      </Toolbar.Button>
      <Menu.Portal>
        <Menu.Positioner sideOffset={4} align="start" className="z-40">
          {/* The cursor goes back into the text and not onto the button. */}
          <Menu.Popup finalFocus={false} className={classNames(popupStyle, 'min-w-56 p-1')}>
            {variables.map(({ name, source }) => (
              <VariableItem
                key={name}
                label={t(`variable.${name}`)}
                source={source}
                onClick={() => insert(source)}
              />
            ))}
            <VariableItem
              label={t('variable.unsubscribe')}
              source={unsubscribeUrl}
              onClick={insertUnsubscribe}
            />
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}

function VariableItem({ label, source, onClick }: { label: string; source: string; onClick: () => void }) {
  return (
    <Menu.Item
      onClick={onClick}
      className="cursor-default rounded-sm px-2.5 py-1.5 text-[0.875rem] outline-none data-highlighted:bg-sunken"
    >
      {label}
      <span className="block font-mono text-xs text-muted">{source}</span>
    </Menu.Item>
  );
}

function LinkTool({ editor }: { editor: Editor }) {
  const t = useTranslations('editor');
  const [open, setOpen] = useState(false);
  const [href, setHref] = useState('');
  const [wrong, setWrong] = useState(false);
  const active = useEditorState({ editor, selector: ({ editor: current }) => current.isActive('link') });
  const apply = () => {
    const target = withProtocol(href.trim());
    if (!target) return setWrong(true);
    const { empty } = editor.state.selection;
    const chain = editor.chain().focus();
    const done =
      empty && !editor.isActive('link')
        ? chain
            .insertContent({
              type: 'text',
              text: href.trim(),
              marks: [{ type: 'link', attrs: { href: target } }],
            })
            .run()
        : chain.extendMarkRange('link').setLink({ href: target }).run();
    if (done) setOpen(false);
    else setWrong(true);
  };
  return (
    <Popover.Root
      open={open}
      onOpenChange={(next) => {
        if (next) setHref(String(editor.getAttributes('link').href ?? ''));
        setWrong(false);
        setOpen(next);
      }}
    >
      <Toolbar.Button
        type="button"
        aria-label={t('link')}
        title={t('link')}
        aria-pressed={active}
        onMouseDown={(event) => event.preventDefault()}
        className={toolStyle}
        render={<Popover.Trigger />}
      >
        <Link2 aria-hidden />
      </Toolbar.Button>
      <Popover.Portal>
        <Popover.Positioner sideOffset={4} align="start" className="z-40">
          <Popover.Popup
            aria-label={t('link')}
            finalFocus={() => {
              editor.commands.focus();
              return false;
            }}
            className={classNames(popupStyle, 'w-80 max-w-[calc(100vw-2rem)] p-3')}
          >
            <label className="block text-[0.8125rem] text-muted">
              {t('linkAddress')}
              <input
                type="text"
                inputMode="url"
                value={href}
                placeholder="https://"
                aria-invalid={wrong || undefined}
                onChange={(event) => setHref(event.target.value)}
                onKeyDown={(event) => {
                  if (event.key !== 'Enter') return;
                  event.preventDefault();
                  apply();
                }}
                className={classNames(controlStyle, 'mt-1')}
              />
            </label>
            {wrong ? (
              <p role="alert" className="mt-1 text-[0.8125rem] text-bad">
                {t('linkWrong')}
              </p>
            ) : null}
            <div className="mt-2 flex gap-2">
              <Button size="sm" variant="primary" onClick={apply}>
                {t('linkApply')}
              </Button>
              {active ? (
                <Button
                  size="sm"
                  onClick={() => {
                    editor.chain().focus().extendMarkRange('link').unsetLink().run();
                    setOpen(false);
                  }}
                >
                  {t('linkRemove')}
                </Button>
              ) : null}
            </div>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

/** `example.org` → `https://example.org`, `a@example.org` → `mailto:…`; null for what leads nowhere. */
function withProtocol(typed: string): string | null {
  if (!typed || (/\s/.test(typed) && !typed.startsWith('{{'))) return null;
  if (typed.startsWith('{{') || /^(https?:\/\/|mailto:|tel:)/i.test(typed)) return typed;
  if (/^[a-z][a-z0-9+.-]*:/i.test(typed) && !/^[^:/]+:\d+(\/|$)/.test(typed)) return null;
  return typed.includes('@') && !typed.includes('/') ? `mailto:${typed}` : `https://${typed}`;
}
