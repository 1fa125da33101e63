'use client';

import { useLocale, useTranslations } from 'next-intl';
import type { FormEvent } from 'react';
import { Alert } from '@/components/ui/alert';
import { Button } from '@/components/ui/button';
import { useAnswer, useProblemText } from '@/components/ui/form-answer';
import { sendTestLetterAction } from '@/lib/messages/actions';

/** Sends the letter to its writer, and says what the mail server answered. */
export function TestLetter({ messageId, email }: { messageId: number; email: string }) {
  const t = useTranslations('messages');
  const locale = useLocale();
  const text = useProblemText('messages');
  const { state, formAction, pending, send } = useAnswer(sendTestLetterAction);
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    send(new FormData(event.currentTarget));
  };
  const refused = state.ok === false ? state.error : null;
  return (
    <form action={formAction} onSubmit={onSubmit} className="grid gap-2">
      <input type="hidden" name="locale" value={locale} />
      <input type="hidden" name="id" value={messageId} />
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Button type="submit" pending={pending}>
          {t('actions.test')}
        </Button>
        <span className="text-[0.8125rem] text-muted">{t('test.hint', { email })}</span>
      </div>
      <div role="status" className="empty:hidden [overflow-wrap:anywhere]">
        {state.ok && !pending ? <Alert tone="good">{t('test.sent', state.data)}</Alert> : null}
        {refused && !pending ? (
          <Alert tone="bad">{text(Object.values(refused.fields ?? {})[0] ?? refused)}</Alert>
        ) : null}
      </div>
    </form>
  );
}
