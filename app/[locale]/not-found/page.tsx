import NotFound from '../not-found';

export { generateMetadata } from '../not-found';

/**
 * What the middleware shows, with status 404, in place of a page that is not there for this visitor. A page of its own and not
 * `notFound()`: that one is drawn by scripts only.
 */
export default NotFound;
