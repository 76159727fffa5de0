//! Group commit: one writer that takes whatever is ready the moment the last commit ends.
