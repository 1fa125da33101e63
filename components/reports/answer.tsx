import { useTranslations } from 'next-intl';
import type { AnswerKind } from '@/db/enums';
import { type OwnWords, ownWords } from '@/lib/attempts/schema';

/** What an answer means, in a few words. */
export function AnswerKindName({ kind }: { kind: AnswerKind }) {
  return useTranslations('reports.answers.kinds')(`${kind}.name`);
}

/** What Mailroom itself says where no server has answered, in the reader's language. */
export function OwnWordsText({ words: { code, values } }: { words: OwnWords }) {
  return useTranslations('reports.attempts.own')(code, values);
}

/** The beginning of what the server answered, or what Mailroom says in its place; the whole of it stands on the page of the attempt. */
export function Answer({
  of,
  none,
}: {
  of: { code: number | null; response: string; stage: string };
  none: string;
}) {
  const own = ownWords(of);
  if (own || !of.response)
    return <span className="text-muted">{own ? <OwnWordsText words={own} /> : none}</span>;
  return <span className="line-clamp-3">{of.response}</span>;
}

/** Why a server answers so, and what to do. */
export function AnswerAdvice({ kind }: { kind: AnswerKind }) {
  const t = useTranslations('reports.answers');
  return (
    <>
      <p>{t(`kinds.${kind}.cause`)}</p>
      <p className="mt-1">
        <span className="font-medium">{t('whatToDo')}</span> {t(`kinds.${kind}.what`)}
      </p>
    </>
  );
}
