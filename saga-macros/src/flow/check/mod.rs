//! What a flow may not do: on its tokens, on its states, on its paths.

mod body;
mod foreign;
mod inner;
mod lazy;
mod nest;
mod paths;
mod states;

pub(crate) use self::{
    body::{check_body, check_used},
    inner::summaries,
    lazy::check_lazy,
    nest::check_nest,
    paths::{AfterPivot, check_paths},
    states::{check_frames, check_states},
};
