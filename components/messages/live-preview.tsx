'use client';

import { useTranslations } from 'next-intl';
import { useEffect, useRef, useState } from 'react';
import { Alert } from '@/components/ui/alert';
import { Button } from '@/components/ui/button';
import { SelectField } from '@/components/ui/field';
import { useProblemText } from '@/components/ui/form-answer';
import { Skeleton } from '@/components/ui/skeleton';
import { previewMessageAction } from '@/lib/messages/actions';
import type { Preview } from '@/lib/messages/schema';
import { MessagePreview } from './message-preview';

/** How long the writer has to pause before the preview follows. */
const pauseMs = 600;

/** Whom a letter can be looked at as; the writer is always offered. */
export type PreviewReader = { id: number; email: string; fullName: string };

/** The letter that is being written, as one of the clients would get it; follows the typing while it is open. */
export function LivePreview({
  subject,
  body,
  readers,
  me,
}: {
  subject: string;
  body: string;
  readers: PreviewReader[];
  /** The writer's name. */
  me: string;
}) {
  const t = useTranslations('messages.preview');
  const text = useProblemText('messages');
  const [open, setOpen] = useState(false);
  const [reader, setReader] = useState('');
  const [shown, setShown] = useState<Preview | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const asked = useRef(0);
  const isEmpty = !subject.trim() && !body.trim();

  useEffect(() => {
    if (!open || isEmpty) return;
    asked.current += 1;
    const mine = asked.current;
    const look = async () => {
      const answer = await previewMessageAction(subject, body, reader ? Number(reader) : null).catch(() => ({
        ok: false as const,
        error: { code: 'unreachable', fields: undefined },
      }));
      // Answers may overtake each other; only the latest question counts.
      if (mine !== asked.current) return;
      if (answer.ok) setShown(answer.data);
      setProblem(answer.ok ? null : text(Object.values(answer.error.fields ?? {})[0] ?? answer.error));
    };
    const timer = setTimeout(look, pauseMs);
    return () => clearTimeout(timer);
  }, [open, isEmpty, subject, body, reader, text]);

  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-3 [@media(scripting:none)]:hidden">
      <div className="flex flex-wrap items-end gap-3">
        <Button aria-expanded={open} onClick={() => setOpen(!open)}>
          {t(open ? 'close' : 'open')}
        </Button>
        {open && readers.length > 0 ? (
          <SelectField
            label={t('as')}
            value={reader}
            onChange={(event) => setReader(event.target.value)}
            className="max-w-80 flex-1"
            options={[
              { value: '', label: t('me', { name: me }) },
              ...readers.map(({ id, email, fullName }) => ({
                value: String(id),
                label: fullName ? `${fullName}, ${email}` : email,
              })),
            ]}
          />
        ) : null}
      </div>
      {open ? (
        <div aria-live="polite" className="grid grid-cols-[minmax(0,1fr)] gap-3">
          {problem ? <Alert tone="bad">{problem}</Alert> : null}
          {isEmpty ? (
            <p className="text-muted">{t('nothing')}</p>
          ) : shown ? (
            <MessagePreview {...shown} />
          ) : problem ? null : (
            <div>
              <span className="sr-only">{t('working')}</span>
              <Skeleton className="h-112" />
            </div>
          )}
        </div>
      ) : null}
    </div>
  );
}
