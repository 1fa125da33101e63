import { z } from 'zod';

export const reasonMax = 500;

/** Why somebody is blocked or a mailing disabled: whom it concerns reads it. */
export const reasonSchema = z.string('required').trim().min(1, 'required').max(reasonMax, 'too_long');
