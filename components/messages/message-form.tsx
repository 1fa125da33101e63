'use client';

import { useTranslations } from 'next-intl';
import { useWatch } from 'react-hook-form';
import { BodyEditor } from '@/components/editor/body-editor';
import { LinkButton } from '@/components/layout/link';
import { SubmitButton } from '@/components/ui/button';
import { TextField } from '@/components/ui/field';
import { Form, useActionForm } from '@/components/ui/form';
import { createMessageAction, updateMessageAction } from '@/lib/messages/actions';
import { messageSchema } from '@/lib/messages/schema';
import { LivePreview, type PreviewReader } from './live-preview';

/** Writes a message: a new one, or the one given. */
export function MessageForm({
  message,
  readers,
  me,
}: {
  message?: { id: number; subject: string; body: string } | undefined;
  readers: PreviewReader[];
  me: string;
}) {
  const t = useTranslations('messages');
  const form = useActionForm({
    schema: messageSchema,
    action: message ? updateMessageAction : createMessageAction,
    defaultValues: message ? { subject: message.subject, body: message.body } : undefined,
    namespace: 'messages',
  });
  const [subject = '', body = ''] = useWatch({ control: form.control.control, name: ['subject', 'body'] });
  const subjectField = form.field('subject');
  const { defaultValue, ...bodyField } = form.field('body');
  return (
    <Form form={form}>
      {message ? <input type="hidden" name="id" value={message.id} /> : null}
      <TextField
        {...subjectField}
        required
        maxLength={200}
        autoComplete="off"
        label={t('form.subject')}
        hint={t('form.subjectHint')}
      />
      <BodyEditor
        kind="letter"
        {...bodyField}
        defaultValue={typeof defaultValue === 'string' ? defaultValue : undefined}
        required
        label={t('form.body')}
        hint={t('form.bodyHint')}
      />
      <LivePreview subject={subject} body={body} readers={readers} me={me} />
      <div className="flex flex-wrap gap-2">
        <SubmitButton>{t(message ? 'edit.submit' : 'new.submit')}</SubmitButton>
        <LinkButton href={message ? `/messages/${message.id}` : '/messages'}>{t('form.cancel')}</LinkButton>
      </div>
    </Form>
  );
}
