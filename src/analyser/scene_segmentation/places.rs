//! What ImageNet's classes say of the place: each list is the things that one mostly sees there. A rule, not a scene classifier.

use serde::{Deserialize, Serialize};

/// Whether a place has a roof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Setting {
    Indoor,
    Outdoor,
    Either,
}

/// A place, and the classes that speak for it, by their names in the model's list, `; ` between them.
pub(super) struct Place {
    pub(super) word: &'static str,
    pub(super) setting: Setting,
    things: &'static str,
}

const fn place(word: &'static str, setting: Setting, things: &'static str) -> Place {
    Place { word, setting, things }
}

/// The first 398 classes are animals: dogs and house cats, and the rest.
const PETS: [std::ops::Range<usize>; 2] = [151..269, 281..286];
const ANIMALS: std::ops::Range<usize> = 0..398;
const PET: usize = 0;
const WILDLIFE: usize = 1;

pub(super) const PLACES: &[Place] = &[
    place("pet", Setting::Either, ""),
    place("wildlife", Setting::Outdoor, ""),
    place(
        "street",
        Setting::Outdoor,
        "cab; minibus; school bus; trolleybus; streetcar; traffic light; street sign; parking meter; police van; ambulance; fire engine; \
         garbage truck; tow truck; trailer truck; moving van; jinrikisha; manhole cover; limousine; pickup; minivan; beach wagon; convertible; jeep; \
         sports car; racer; moped; motor scooter; bicycle-built-for-two; horse cart; Model T; crane; car wheel; car mirror; grille; gas pump",
    ),
    place(
        "landmark",
        Setting::Outdoor,
        "palace; castle; monastery; mosque; church; stupa; triumphal arch; obelisk; bell cote; dome; steel arch bridge; suspension bridge; viaduct; \
         megalith; totem pole; flagpole; water tower; planetarium; beacon; cliff dwelling; yurt; tile roof; thatch; pedestal",
    ),
    place("mountain", Setting::Outdoor, "alp; valley; volcano; cliff; mountain tent; geyser; mountain bike"),
    place("snow", Setting::Outdoor, "ski; snowmobile; snowplow; dogsled; bobsled; ski mask"),
    place(
        "beach",
        Setting::Outdoor,
        "seashore; sandbar; promontory; breakwater; bikini; swimming trunks; sunscreen; sarong; parachute",
    ),
    place(
        "water",
        Setting::Outdoor,
        "lakeside; dock; pier; boathouse; canoe; catamaran; trimaran; schooner; yawl; speedboat; gondola; lifeboat; fireboat; container ship; liner; \
         dam; aircraft carrier; submarine; wreck; drilling platform; paddle; paddlewheel; pirate",
    ),
    place("underwater", Setting::Outdoor, "coral reef; scuba diver; snorkel"),
    place(
        "park",
        Setting::Outdoor,
        "park bench; fountain; maze; lawn mower; picket fence; birdhouse; swing; daisy; patio; stone wall; pot; sundial; carousel",
    ),
    place(
        "farm",
        Setting::Outdoor,
        "barn; hay; tractor; harvester; thresher; plow; oxcart; corn; rapeseed; worm fence; apiary; rain barrel; lumbermill; half track; forklift",
    ),
    place("sky", Setting::Outdoor, "airliner; warplane; airship; balloon; wing; space shuttle; missile; radio telescope"),
    place("railway", Setting::Outdoor, "bullet train; electric locomotive; steam locomotive; freight car"),
    place(
        "sport",
        Setting::Either,
        "ballplayer; baseball; soccer ball; football helmet; rugby ball; volleyball; basketball; racket; tennis ball; golf ball; golfcart; scoreboard; \
         puck; croquet ball; go-kart; crash helmet; running shoe; jersey; knee pad; pole",
    ),
    place("gym", Setting::Indoor, "barbell; dumbbell; parallel bars; horizontal bar; balance beam; punching bag; ping-pong ball"),
    place(
        "stage",
        Setting::Indoor,
        "stage; theater curtain; microphone; spotlight; electric guitar; acoustic guitar; drum; drumstick; accordion; sax; trombone; cello; violin; grand piano; \
         upright; banjo; flute; oboe; bassoon; French horn; cornet; harp; marimba; maraca; loudspeaker; steel drum; feather boa; gong",
    ),
    place(
        "kitchen",
        Setting::Indoor,
        "stove; refrigerator; microwave; dishwasher; toaster; wok; frying pan; Dutch oven; espresso maker; coffeepot; mixing bowl; caldron; spatula; ladle; \
         waffle iron; Crock Pot; measuring cup; rotisserie; strainer; plate rack; dishrag; can opener; cleaver; wooden spoon; teapot; saltshaker; \
         soup bowl; china cabinet; milk can",
    ),
    place(
        "food",
        Setting::Either,
        "plate; pizza; cheeseburger; hotdog; guacamole; consomme; hot pot; trifle; ice cream; ice lolly; French loaf; bagel; pretzel; burrito; carbonara; meat loaf; \
         potpie; chocolate sauce; dough; mashed potato; broccoli; cauliflower; cucumber; bell pepper; mushroom; strawberry; orange; lemon; banana; pineapple; \
         fig; pomegranate; Granny Smith; espresso; cup; eggnog; coffee mug; zucchini; artichoke; head cabbage",
    ),
    place(
        "restaurant",
        Setting::Indoor,
        "restaurant; dining table; menu; wine bottle; beer glass; beer bottle; red wine; goblet; cocktail shaker; corkscrew",
    ),
    place(
        "office",
        Setting::Indoor,
        "desk; desktop computer; laptop; monitor; computer keyboard; mouse; printer; photocopier; notebook; file; space bar; typewriter keyboard; modem; \
         projector; binder; ballpoint; dial telephone; hard disc",
    ),
    place(
        "living_room",
        Setting::Indoor,
        "studio couch; entertainment center; home theater; television; fire screen; table lamp; rocking chair; lampshade; tape player; CD player; \
         radio; remote control; wall clock; bannister; window shade; shoji; sliding door; prayer rug; doormat; space heater; radiator; vase",
    ),
    place(
        "bedroom",
        Setting::Indoor,
        "four-poster; quilt; pillow; crib; bassinet; cradle; wardrobe; chiffonier; pajama; teddy; sleeping bag; mosquito net",
    ),
    place(
        "bathroom",
        Setting::Indoor,
        "bathtub; tub; washbasin; toilet seat; shower curtain; shower cap; medicine chest; toilet tissue; soap dispenser; bath towel; washer; paper towel",
    ),
    place(
        "shop",
        Setting::Indoor,
        "grocery store; bakery; butcher shop; bookshop; confectionery; shoe shop; tobacco shop; toyshop; vending machine; shopping cart; shopping basket; barbershop; \
         barber chair; cash machine; turnstile; slot",
    ),
    place("library", Setting::Indoor, "library; bookcase"),
    place(
        "hospital",
        Setting::Indoor,
        "Petri dish; lab coat; stethoscope; syringe; stretcher; oxygen mask; beaker; oscilloscope; neck brace; crutch",
    ),
    place("worship", Setting::Indoor, "altar; vault; organ; vestment"),
    place("cinema", Setting::Indoor, "cinema; pool table"),
    place(
        "graphics",
        Setting::Either,
        "web site; comic book; crossword puzzle; book jacket; envelope; screen; digital clock; jigsaw puzzle",
    ),
];

/// For each class of `labels`, in order, the place that it speaks for.
pub(super) fn of_classes(labels: &[String]) -> Vec<Option<usize>> {
    let speaks = |label: &str| PLACES.iter().position(|place| place.things.split("; ").any(|thing| thing == label));
    let of = |(class, label): (usize, &String)| {
        if PETS.iter().any(|pets| pets.contains(&class)) {
            return Some(PET);
        }
        if ANIMALS.contains(&class) { Some(WILDLIFE) } else { speaks(label) }
    };
    labels.iter().enumerate().map(of).collect()
}

#[cfg(test)]
pub(super) fn things() -> impl Iterator<Item = &'static str> {
    PLACES.iter().flat_map(|place| place.things.split("; ")).filter(|thing| !thing.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_thing_speaks_for_two_places() {
        let mut all: Vec<&str> = things().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn classes_have_their_places() {
        let mut labels: Vec<String> = (0..1000).map(|class| format!("class {class}")).collect();
        labels[654] = "minibus".into();
        labels[859] = "toaster".into();
        let places = of_classes(&labels);
        let word = |class: usize| places[class].map(|place| PLACES[place].word);
        assert_eq!(
            [0, 200, 283, 654, 859, 600].map(word),
            [Some("wildlife"), Some("pet"), Some("pet"), Some("street"), Some("kitchen"), None]
        );
    }
}
