-- Why somebody was left out of a draw, as it was when its list was made: what is corrected later changes no reason.
-- Code from before works on with it: of the lists that it makes no reasons are kept.

create table draw_left_out (
    join_id uuid primary key references wave_join (id),
    rules text[] not null check (rules <> '{}')      -- service.domain.eligibility.Rule
);
