'use client';

import { unstable_rethrow, useRouter } from 'next/navigation';
import { useLocale, useTranslations } from 'next-intl';
import { type FormEvent, useActionState, useCallback, useEffect, useRef, useState } from 'react';
import { BodyEditor } from '@/components/editor/body-editor';
import { AppLink } from '@/components/layout/link';
import { ActionButton } from '@/components/ui/action-button';
import { Alert } from '@/components/ui/alert';
import { Button } from '@/components/ui/button';
import { Card } from '@/components/ui/card';
import { TextArea, TextField } from '@/components/ui/field';
import { type FormState, type Problem, useProblemText } from '@/components/ui/form-answer';
import { Time } from '@/components/ui/time';
import {
  forgetUnsavedText,
  keepUnsavedText,
  type UnsavedText,
  unsavedTexts,
} from '@/components/ui/unsaved-text';
import { deletePostAction, savePostAction, unpublishPostAction } from '@/lib/posts/actions';
import { type PostState, type Saved, summaryMax, titleMax } from '@/lib/posts/schema';
import { CoverField } from './cover-field';
import { PostBadge } from './post-badge';
import { PublishForm } from './publish-form';
import { UnsavedOffer } from './unsaved-offer';
import { useLeaving } from './use-leaving';

/** A pause in typing after which a draft is saved. */
const pauseMs = 1500;
/** The same, after which what is typed is kept in the browser. */
const keepMs = 300;

export type EditablePost = {
  id: number;
  version: number;
  title: string;
  slug: string;
  /** Its address follows the title. */
  hasSlugOfTitle: boolean;
  summary: string;
  body: string;
  imageUrl: string;
  coverAlt: string;
  coverWidth: number | null;
  coverHeight: number | null;
  state: PostState;
  publishedAt: string | null;
  updatedAt: string;
  /** Who changed it last; null = somebody who is gone. */
  editor: string | null;
};

type Values = {
  title: string;
  slug: string;
  summary: string;
  body: string;
  imageUrl: string;
  coverAlt: string;
};
type Saving =
  | { kind: 'saved'; at: string }
  | { kind: 'unsaved' | 'saving' | 'changed' }
  | { kind: 'refused'; problem: Problem };

const valuesOf = (post: EditablePost): Values => ({
  title: post.title,
  slug: post.hasSlugOfTitle ? '' : post.slug,
  summary: post.summary,
  body: post.body,
  imageUrl: post.imageUrl,
  coverAlt: post.coverAlt,
});

/** A file that has been stored is not sent again: its address stands in the form from now on. */
function settleCover(form: HTMLFormElement, imageUrl: string) {
  const file = form.elements.namedItem('cover');
  const address = form.elements.namedItem('imageUrl');
  if (!(file instanceof HTMLInputElement) || !(address instanceof HTMLInputElement)) return;
  if (!file.value) return;
  file.value = '';
  address.value = imageUrl;
}

/** What a form holds, or what came back of one. */
function valuesIn(read: (name: string) => unknown): Values {
  const text = (name: string) => {
    const value = read(name);
    return typeof value === 'string' ? value : '';
  };
  return {
    title: text('title'),
    slug: text('slug'),
    summary: text('summary'),
    body: text('body'),
    imageUrl: text('imageUrl'),
    coverAlt: text('coverAlt'),
  };
}

/**
 * Writes an article. A draft is saved by itself a moment after each change; what readers see changes only by the button. Whoever
 * has the article open in a second window is told when it was changed elsewhere, and chooses; nothing typed is lost.
 */
export function PostEditor({
  post,
  writerId,
  site,
  zone,
  localDate,
}: {
  post: EditablePost;
  /** Who writes. Nobody else is offered what this browser keeps of it. */
  writerId: number;
  /** What public addresses begin with. */
  site: string;
  /** IANA zone of who writes. */
  zone: string;
  /** The date that publishing offers, as wall-clock time there. */
  localDate: string;
}) {
  const t = useTranslations('posts');
  const text = useProblemText('posts');
  const locale = useLocale();
  const router = useRouter();
  const [posted, formAction] = useActionState<FormState<Saved>, FormData>(savePostAction, { ok: null });
  const form = useRef<HTMLFormElement>(null);
  const isDraft = post.state === 'draft';

  // What stands in the fields at first, and again when somebody takes over what another wrote.
  const [start, setStart] = useState(() => ({
    key: 0,
    values: posted.ok === false ? valuesIn((name) => posted.values[name]) : valuesOf(post),
  }));
  const [mine, setMine] = useState<Values | null>(null);
  const version = useRef(post.version);
  const [slug, setSlug] = useState(post.slug);
  const [fields, setFields] = useState<Record<string, Problem>>(
    posted.ok === false ? (posted.error.fields ?? {}) : {},
  );
  const [saving, setSaving] = useState<Saving>(() => {
    if (posted.ok !== false) return { kind: 'saved', at: post.updatedAt };
    return posted.error.code === 'post_changed'
      ? { kind: 'changed' }
      : { kind: 'refused', problem: posted.error };
  });

  // Changes are numbered, so that what is typed while a save is under way is known to be unsaved after it.
  const typed = useRef(0);
  const kept = useRef(0);
  const running = useRef<Promise<boolean> | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const isTold = useRef(saving.kind === 'changed');
  const draft = useRef(isDraft);
  draft.current = isDraft;

  // What is typed is kept in the browser until it is saved, and offered to who comes back.
  const thing = `post:${writerId}:${post.id}`;
  const since = useRef('');
  const keeper = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const isOver = useRef(false);
  const [offers, setOffers] = useState<UnsavedText[]>([]);
  const keep = useCallback(() => {
    clearTimeout(keeper.current);
    if (!form.current || !since.current || typed.current === kept.current) return;
    const data = new FormData(form.current);
    keepUnsavedText(thing, {
      since: since.current,
      at: new Date().toISOString(),
      version: version.current,
      values: valuesIn((name) => data.get(name)),
    });
  }, [thing]);
  const forget = useCallback(() => {
    clearTimeout(keeper.current);
    forgetUnsavedText(thing, since.current);
  }, [thing]);
  const current = useRef(post);
  current.current = post;
  useEffect(() => {
    since.current ||= `${Date.now()}-${Math.random()}`;
    const now = valuesOf(current.current);
    const isOther = ({ values }: UnsavedText) =>
      Object.entries(now).some(([name, value]) => values[name] !== value);
    const found = unsavedTexts(thing).filter((text) => text.since !== since.current);
    for (const text of found) if (!isOther(text)) forgetUnsavedText(thing, text.since);
    setOffers(found.filter(isOther));
    window.addEventListener('pagehide', keep);
    return () => {
      window.removeEventListener('pagehide', keep);
      clearTimeout(keeper.current);
    };
  }, [thing, keep]);

  const store = useCallback(
    async (element: HTMLFormElement, auto: boolean): Promise<boolean> => {
      const upTo = typed.current;
      const data = new FormData(element);
      data.set('version', String(version.current));
      if (auto) {
        data.set('auto', 'on');
        // A file goes with the button, once.
        data.delete('cover');
      }
      keep();
      setSaving({ kind: 'saving' });
      let answer: FormState<Saved>;
      try {
        answer = await savePostAction({ ok: null }, data);
      } catch (error) {
        // To signing in, as it seems: what is typed is kept, so there is nothing to ask on the way.
        isOver.current = true;
        unstable_rethrow(error);
        isOver.current = false;
        answer = { ok: false, error: { code: 'unreachable' }, values: {} };
      }
      if (answer.ok) {
        version.current = answer.data.version;
        kept.current = upTo;
        setSlug(answer.data.slug);
        if (!auto) settleCover(element, answer.data.imageUrl);
        setFields({});
        if (typed.current === upTo) forget();
        setSaving(typed.current === upTo ? { kind: 'saved', at: answer.data.savedAt } : { kind: 'unsaved' });
        return true;
      }
      const error: { code: string; fields?: Record<string, Problem> } =
        answer.ok === false ? answer.error : { code: 'unexplained' };
      if (error.code === 'post_changed') {
        isTold.current = true;
        setSaving({ kind: 'changed' });
        // Brings what the other wrote.
        router.refresh();
      } else {
        setFields(error.fields ?? {});
        setSaving({ kind: 'refused', problem: error });
      }
      return false;
    },
    [router, keep, forget],
  );

  /** Saves what is unsaved, one save after the other; true when all that was typed is kept. */
  const save = useCallback(
    async (auto: boolean): Promise<boolean> => {
      clearTimeout(timer.current);
      while (running.current) await running.current;
      const element = form.current;
      if (!element || isTold.current) return !isTold.current;
      if (typed.current === kept.current && auto) return true;
      running.current = store(element, auto).finally(() => {
        running.current = null;
      });
      return running.current;
    },
    [store],
  );

  const onInput = () => {
    typed.current += 1;
    clearTimeout(keeper.current);
    keeper.current = setTimeout(keep, keepMs);
    clearTimeout(timer.current);
    if (isTold.current) return;
    setSaving({ kind: 'unsaved' });
    if (draft.current) timer.current = setTimeout(() => void save(true), pauseMs);
  };

  const submit = async () => {
    const isKept = await save(false);
    if (isKept) router.refresh();
    else
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
  };
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    void submit();
  };

  useLeaving({
    isUnsaved: () => saving.kind !== 'saved' && !isOver.current,
    question: t('edit.leave'),
    // A draft needs no question: it is saved on the way out.
    flush: () => {
      if (!draft.current || isTold.current || saving.kind === 'refused') return false;
      void save(true);
      return true;
    },
  });
  useEffect(() => () => clearTimeout(timer.current), []);

  /** What the buttons beside the form did to the article: the form goes on from there, unless others were between. */
  const goOn = (saved: Saved) => {
    if (saved.version === version.current + 1) version.current = saved.version;
  };

  const show = (values: Values, isMine: boolean) => {
    isTold.current = false;
    version.current = post.version;
    setFields({});
    setStart(({ key }) => ({ key: key + 1, values }));
    if (isMine) onInput();
    else {
      kept.current = typed.current;
      forget();
      setSaving({ kind: 'saved', at: post.updatedAt });
    }
  };
  const offer = offers.at(-1);
  const decide = (text: UnsavedText, isTaken: boolean) => {
    if (isTaken)
      show(
        valuesIn((name) => text.values[name]),
        true,
      );
    forgetUnsavedText(thing, text.since);
    setOffers((others) => others.filter(({ since: other }) => other !== text.since));
  };
  const takeTheirs = () => {
    const element = form.current;
    if (element) {
      const data = new FormData(element);
      setMine(valuesIn((name) => data.get(name)));
    }
    show(valuesOf(post), false);
  };
  const keepMine = () => {
    isTold.current = false;
    version.current = post.version;
    typed.current += 1;
    void submit();
  };

  const errorOf = (name: string) => {
    const problem = fields[name];
    return problem ? text(problem) : undefined;
  };
  const suggestion = fields.slug?.code === 'slug_taken' ? fields.slug.params?.suggestion : undefined;
  const takeSuggestion = () => {
    const field = form.current?.elements.namedItem('slug');
    if (!(field instanceof HTMLInputElement)) return;
    field.value = String(suggestion);
    onInput();
    void save(false);
    field.focus();
  };

  const publishing = (
    <PublishForm
      post={post}
      version={() => version.current}
      save={() => save(true)}
      zone={zone}
      localDate={localDate}
      onFields={setFields}
      onDone={goOn}
    />
  );
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-6 lg:grid-cols-[minmax(0,1fr)_20rem]">
      <form
        ref={form}
        id="post"
        action={formAction}
        onSubmit={onSubmit}
        onInput={onInput}
        onKeyDown={(event) => {
          if (event.key.toLowerCase() !== 's' || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          void submit();
        }}
        noValidate
        aria-label={t('edit.title')}
        className="grid grid-cols-[minmax(0,1fr)] gap-4"
      >
        <input type="hidden" name="locale" value={locale} />
        <input type="hidden" name="id" value={post.id} />
        <input type="hidden" name="version" value={post.version} />
        {saving.kind === 'changed' ? (
          <ChangedElsewhere post={post} zone={zone} onKeep={keepMine} onTake={takeTheirs} />
        ) : null}
        {offer ? (
          <UnsavedOffer
            text={offer}
            isOlder={offer.version !== post.version}
            zone={zone}
            onRestore={() => decide(offer, true)}
            onDrop={() => decide(offer, false)}
          />
        ) : null}
        {mine ? (
          <Alert tone="info" role="status">
            <p>{t('changed.taken')}</p>
            <Button
              size="sm"
              className="mt-2"
              onClick={() => {
                show(mine, true);
                setMine(null);
              }}
            >
              {t('changed.bringBack')}
            </Button>
          </Alert>
        ) : null}
        <div key={start.key} className="grid grid-cols-[minmax(0,1fr)] gap-4">
          <TextField
            name="title"
            label={t('form.title')}
            defaultValue={start.values.title}
            error={errorOf('title')}
            maxLength={titleMax}
            autoComplete="off"
            required
          />
          <BodyEditor
            kind="article"
            name="body"
            label={t('form.body')}
            defaultValue={start.values.body}
            error={errorOf('body')}
          />
          <TextArea
            name="summary"
            label={t('form.summary')}
            hint={t('form.summaryHint')}
            defaultValue={start.values.summary}
            error={errorOf('summary')}
            maxLength={summaryMax}
            rows={2}
          />
          <TextField
            name="slug"
            label={t('form.slug')}
            hint={t('form.slugHint', { address: `${site}/blog/${slug}` })}
            defaultValue={start.values.slug}
            placeholder={slug}
            error={errorOf('slug')}
            maxLength={120}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
          />
          {suggestion ? (
            <div className="[@media(scripting:none)]:hidden">
              <Button size="sm" onClick={takeSuggestion}>
                {t('form.takeSuggestion', { suggestion: String(suggestion) })}
              </Button>
            </div>
          ) : null}
          <CoverField
            cover={
              start.values.imageUrl === post.imageUrl
                ? { url: post.imageUrl, width: post.coverWidth, height: post.coverHeight }
                : { url: start.values.imageUrl, width: null, height: null }
            }
            alt={start.values.coverAlt}
            problems={fields}
          />
        </div>
      </form>

      <aside
        aria-label={t('edit.state')}
        // On a phone the state stands above the text, and what is done with the whole below it.
        className="grid grid-cols-[minmax(0,1fr)] gap-4 max-lg:contents lg:sticky lg:top-6"
      >
        <Card className="max-lg:order-first">
          <div className="grid grid-cols-[minmax(0,1fr)] gap-3">
            <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
              <PostBadge state={post.state} />
              <p role="status" className="text-[0.8125rem] text-muted" data-saving={saving.kind}>
                <SavingLine saving={saving} zone={zone} />
              </p>
            </div>
            {post.publishedAt && !isDraft ? (
              <p className="text-[0.875rem]">
                {t(post.state === 'scheduled' ? 'edit.appears' : 'edit.appeared')}{' '}
                <Time value={post.publishedAt} zone={zone} locale={locale} />
              </p>
            ) : null}
            <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
              <Button
                type="submit"
                form="post"
                variant={isDraft ? 'secondary' : 'primary'}
                pending={saving.kind === 'saving' && !isDraft}
              >
                {t(isDraft ? 'edit.save' : 'edit.update')}
              </Button>
              <AppLink
                href={`/manage/posts/${post.id}/preview`}
                target="_blank"
                className="rounded-sm py-1.5 font-medium underline underline-offset-2"
              >
                {t('edit.preview')}
              </AppLink>
              {post.state === 'published' ? (
                <AppLink
                  href={`/blog/${slug}`}
                  target="_blank"
                  className="rounded-sm py-1.5 font-medium underline underline-offset-2"
                >
                  {t('edit.open')}
                </AppLink>
              ) : null}
            </div>
            {isDraft ? null : <p className="text-[0.8125rem] text-muted">{t('edit.updateHint')}</p>}
          </div>
        </Card>
        {isDraft ? (
          <Card title={t('publish.title')}>{publishing}</Card>
        ) : (
          <details className="rounded-lg border border-line bg-surface">
            <summary className="cursor-pointer px-4 py-2.5 text-[0.9375rem] font-semibold">
              {t('publish.titleAgain')}
            </summary>
            <div className="border-t border-line p-4">{publishing}</div>
          </details>
        )}
        <div className="flex flex-wrap gap-2">
          {isDraft ? null : (
            <ActionButton
              action={unpublishPostAction}
              hidden={{ id: post.id }}
              namespace="posts"
              onDone={goOn}
              confirm={
                post.state === 'published'
                  ? {
                      title: t('unpublish.title'),
                      body: t('unpublish.body'),
                      confirm: t('unpublish.confirm'),
                    }
                  : undefined
              }
            >
              {t(post.state === 'scheduled' ? 'unpublish.unschedule' : 'unpublish.confirm')}
            </ActionButton>
          )}
          <ActionButton action={deletePostAction} hidden={{ id: post.id }} namespace="posts" variant="danger">
            {t('delete')}
          </ActionButton>
        </div>
      </aside>
    </div>
  );
}

function SavingLine({ saving, zone }: { saving: Saving; zone: string }) {
  const t = useTranslations('posts.saving');
  const text = useProblemText('posts');
  const locale = useLocale();
  switch (saving.kind) {
    case 'saved': {
      const at = new Date(saving.at);
      const isOld = Date.now() - at.getTime() > 12 * 3_600_000;
      if (isOld)
        return (
          <>
            {t('savedOn')} <Time value={saving.at} zone={zone} locale={locale} />
          </>
        );
      const time = new Intl.DateTimeFormat(locale === 'en' ? 'en-GB' : locale, {
        timeStyle: 'medium',
        timeZone: zone,
      }).format(at);
      return (
        <time dateTime={saving.at} suppressHydrationWarning>
          {t('savedAt', { time })}
        </time>
      );
    }
    case 'refused':
      return (
        <span className="font-medium text-bad">
          {t('refused')} {text(saving.problem)}
        </span>
      );
    case 'changed':
      return <span className="font-medium text-bad">{t('changed')}</span>;
    case 'saving':
    case 'unsaved':
      return t(saving.kind);
  }
}

/** Somebody else saved meanwhile: what they wrote, and the choice. */
function ChangedElsewhere({
  post,
  zone,
  onKeep,
  onTake,
}: {
  post: EditablePost;
  zone: string;
  onKeep: () => void;
  onTake: () => void;
}) {
  const t = useTranslations('posts');
  const locale = useLocale();
  return (
    <Alert tone="warn" role="alert" title={t('changed.title')}>
      <p>
        {t.rich('changed.body', {
          who: post.editor ?? t('changed.somebody'),
          when: () => <Time value={post.updatedAt} zone={zone} locale={locale} />,
        })}
      </p>
      <details className="mt-2">
        <summary className="cursor-pointer font-medium">{t('changed.theirs')}</summary>
        <div className="mt-2 max-h-80 overflow-auto rounded-md border border-line bg-surface px-3 py-2">
          <p className="font-semibold [overflow-wrap:anywhere]">{post.title || t('untitled')}</p>
          {post.summary ? <p className="text-muted [overflow-wrap:anywhere]">{post.summary}</p> : null}
          <pre className="mt-2 font-mono text-[0.8125rem] whitespace-pre-wrap [overflow-wrap:anywhere]">
            {post.body.replace(/(<\/(?:p|h2|h3|h4|li|blockquote|pre|figure|ul|ol)>)(?=<)/g, '$1\n')}
          </pre>
        </div>
      </details>
      <p className="mt-2 [@media(scripting:enabled)]:hidden">{t('changed.withoutScript')}</p>
      <div className="mt-3 flex flex-wrap gap-2 [@media(scripting:none)]:hidden">
        <Button onClick={onKeep}>{t('changed.keep')}</Button>
        <Button onClick={onTake}>{t('changed.take')}</Button>
      </div>
    </Alert>
  );
}
