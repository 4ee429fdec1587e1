use console::Term;

/// How wide what is drawn for people may be, in characters: as wide as the terminal, 80 in a pipe.
pub(crate) fn width() -> usize {
    const IN_A_PIPE: usize = 80;
    const NARROWEST: usize = 20;
    let terminal = Term::stdout();
    let size = if terminal.is_term() { terminal.size_checked() } else { None };
    size.map_or(IN_A_PIPE, |(_, columns)| usize::from(columns).max(NARROWEST))
}
