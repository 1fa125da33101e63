'use client';

import { useLocale, useTranslations } from 'next-intl';
import { type FormEvent, useState } from 'react';
import { Alert } from '@/components/ui/alert';
import { Button } from '@/components/ui/button';
import { RadioField, TextField } from '@/components/ui/field';
import { type Problem, useAnswer, useProblemText } from '@/components/ui/form-answer';
import { publishPostAction } from '@/lib/posts/actions';
import type { Saved } from '@/lib/posts/schema';
import type { EditablePost } from './post-editor';

/** Publishes now, or at a date in the zone of who publishes. What is typed is saved before. */
export function PublishForm({
  post,
  version,
  save,
  zone,
  localDate,
  onFields,
  onDone,
}: {
  post: Pick<EditablePost, 'id' | 'version' | 'state'>;
  /** The version that the form beside this one has come to. */
  version: () => number;
  /** Saves what is unsaved of a draft; false when it could not be. */
  save: () => Promise<boolean>;
  zone: string;
  localDate: string;
  /** What the article lacks is said at its own fields. */
  onFields: (fields: Record<string, Problem>) => void;
  onDone: (saved: Saved) => void;
}) {
  const t = useTranslations('posts');
  const text = useProblemText('posts');
  const locale = useLocale();
  const { state, formAction, pending, send } = useAnswer(publishPostAction);
  const [waiting, setWaiting] = useState(false);
  const isDraft = post.state === 'draft';

  const onSubmit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    if (pending || waiting) return;
    setWaiting(true);
    const isKept = !isDraft || (await save());
    setWaiting(false);
    if (!isKept) return;
    const data = new FormData(form);
    data.set('version', String(version()));
    send(data, (next) => {
      if (next.ok) onDone(next.data);
      else if (next.ok === false) onFields(next.error.fields ?? {});
    });
  };

  const refused = state.ok === false && !pending ? state.error : null;
  const { at, ...lacking } = refused?.fields ?? {};
  const problems = [
    ...(refused && refused.code !== 'invalid' ? [text(refused)] : []),
    ...Object.keys(lacking).map((name) =>
      name === 'title' || name === 'body' ? t(`publish.lacks.${name}`) : text({ code: 'invalid' }),
    ),
  ];
  return (
    <form
      action={formAction}
      onSubmit={(event) => void onSubmit(event)}
      noValidate
      className="grid grid-cols-[minmax(0,1fr)] gap-3 [&:has([value=now]:checked)_[data-date]]:hidden"
    >
      <input type="hidden" name="locale" value={locale} />
      <input type="hidden" name="id" value={post.id} />
      <input type="hidden" name="version" value={post.version} />
      {problems.length > 0 ? (
        <Alert tone="bad" role="alert">
          {problems.map((problem) => (
            <p key={problem}>{problem}</p>
          ))}
        </Alert>
      ) : null}
      <RadioField
        name="when"
        label={t('publish.when')}
        hideLabel
        defaultValue={isDraft ? 'now' : 'at'}
        options={[
          { value: 'now', label: t('publish.now') },
          { value: 'at', label: t('publish.at') },
        ]}
      />
      <div data-date="">
        <TextField
          key={localDate}
          name="at"
          type="datetime-local"
          label={t('publish.date')}
          hint={t('publish.zone', { zone })}
          defaultValue={localDate}
          error={at ? text(at) : undefined}
        />
      </div>
      <div>
        <Button type="submit" variant={isDraft ? 'primary' : 'secondary'} pending={pending || waiting}>
          {t(isDraft ? 'publish.submit' : 'publish.move')}
        </Button>
      </div>
    </form>
  );
}
