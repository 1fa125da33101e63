import { useTranslations } from 'next-intl';
import type { AnswerKind } from '@/db/enums';

/** What an answer means, in a few words. */
export function AnswerKindName({ kind }: { kind: AnswerKind }) {
  return useTranslations('reports.answers.kinds')(`${kind}.name`);
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
