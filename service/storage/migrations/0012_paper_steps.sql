-- The index of steps begins with the step: where an office has more people than statistics know of, nobody is looked for
-- by reading all of an office through it. Code from before works on with it.

drop index paper_person_step;
create index paper_person_step on paper_person (step, office_id, id);
