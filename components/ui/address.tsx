import { Fragment } from 'react';

/** An e-mail address that breaks where a person would break it: after the @, and before a dot. What is copied of it stays whole. */
export function Address({ children }: { children: string }) {
  let at = 0;
  return children.split(/(?<=@)|(?=\.)/).map((part) => {
    const from = at;
    at += part.length;
    return (
      <Fragment key={from}>
        {from > 0 ? <wbr /> : null}
        {part}
      </Fragment>
    );
  });
}
