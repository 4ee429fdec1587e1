//! A school: a course has three seats, and nobody takes more than two courses. Neither rule is about one stream.
//!
//! ```sh
//! cargo run -p allframe-cqrs --example conditions
//! ```
//!
//! Ten students want both courses at once, each in a task of his own. Who enrols reads what has the tag of the course or that of the student,
//! decides, and appends unless more of that has come meanwhile; then he reads again. Streams are those of students, and no two of them wait
//! for each other: what is guarded is what was read, and nothing else. That is a dynamic consistency boundary; `Batch` has the rest.

#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::collections::BTreeMap;

use allframe_cqrs::{
    Error, EventFilter, EventStore, ExpectedVersion, Tags,
    api::{Criterion, StoreError},
    event,
};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

const SEATS: usize = 3;
const MOST_COURSES: usize = 2;
const COURSES: [&str; 3] = ["chess", "choir", "cooking"];

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Enrolled {
    #[tag]
    course: String,
    #[tag]
    student: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Enrolled,
    CourseIsFull,
    TakesEnough,
}

/// Decides, and decides again where somebody else was faster.
async fn enrol(store: &EventStore<Enrolled>, student: &str, course: &str) -> Result<Answer, Error> {
    let tagged = |tag: String| Ok::<_, Error>(Criterion::new().tags(Tags::parse([tag])?));
    let of_either =
        EventFilter::any_of([tagged(format!("course:{course}"))?, tagged(format!("student:{student}"))?]);
    loop {
        let seen = store.get_matching(&of_either).await?;
        let count = |is_so: fn(&Enrolled, &str) -> bool, name: &str| {
            seen.events.iter().filter(|it| is_so(&it.event, name)).count()
        };
        if count(|it, name| it.course == name, course) >= SEATS {
            return Ok(Answer::CourseIsFull);
        }
        if count(|it, name| it.student == name, student) >= MOST_COURSES {
            return Ok(Answer::TakesEnough);
        }
        let enrolled = Enrolled { course: course.to_owned(), student: student.to_owned() };
        let appended = store
            .batch()
            .append(format!("student-{student}"), ExpectedVersion::Any, [enrolled])
            .unless_matching(of_either.clone(), seen.position)
            .commit()
            .await;
        match appended {
            Ok(_) => return Ok(Answer::Enrolled),
            Err(Error::Store(StoreError::ConditionFailed { .. })) => {}
            Err(error) => return Err(error),
        }
    }
}

/// How many students are in each course, and how many courses each student takes.
type Counts = [BTreeMap<String, usize>; 2];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (counts, answers) = first_day(10).await?;
    let [courses, students] = &counts;
    println!("courses: {courses:?}\nstudents: {students:?}");
    for wanted in [Answer::Enrolled, Answer::CourseIsFull, Answer::TakesEnough] {
        println!("{wanted:?}: {} times", answers.iter().filter(|answer| **answer == wanted).count());
    }
    Ok(())
}

async fn first_day(students: usize) -> anyhow::Result<(Counts, Vec<Answer>)> {
    let store = EventStore::<Enrolled>::new();
    let mut wishes = JoinSet::new();
    for number in 0..students * COURSES.len() {
        let store = store.clone();
        let course = COURSES.get(number % COURSES.len()).copied().unwrap_or_default();
        wishes.spawn(async move { enrol(&store, &format!("s{}", number / COURSES.len()), course).await });
    }
    let answers = wishes.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;

    let mut counts = Counts::default();
    for Enrolled { course, student } in store.get_all_events().await? {
        let [courses, students] = &mut counts;
        *courses.entry(course).or_default() += 1;
        *students.entry(student).or_default() += 1;
    }
    Ok((counts, answers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn no_course_has_more_than_its_seats_and_no_student_more_than_enough() {
        let ([courses, students], answers) = first_day(10).await.unwrap();
        assert_eq!(courses.into_values().collect::<Vec<_>>(), [SEATS; COURSES.len()]);
        assert!(students.values().all(|courses| *courses <= MOST_COURSES), "{students:?}");
        let enrolled = answers.iter().filter(|answer| **answer == Answer::Enrolled).count();
        assert_eq!(enrolled, SEATS * COURSES.len());
    }

    #[tokio::test]
    async fn who_takes_enough_is_told() {
        let store = EventStore::<Enrolled>::new();
        let mut answers = Vec::new();
        for course in COURSES {
            answers.push(enrol(&store, "ann", course).await.unwrap());
        }
        assert_eq!(answers, [Answer::Enrolled, Answer::Enrolled, Answer::TakesEnough]);
    }
}
